import fc from 'fast-check';
import { expect, test } from 'vitest';
import { markup, verbatim } from './markup.ts';

test('text is escaped, markup is not', () => {
  const inner = markup`<b>${'<&>"\''}</b>`;
  expect(inner.html).toBe('<b>&#60;&#38;&#62;&#34;&#39;</b>');
  expect(markup`<p class="${'a"b'}">${inner}${[inner, markup`!`]}${undefined}${7}</p>`.html).toBe(
    `<p class="a&#34;b">${inner.html}${inner.html}!7</p>`,
  );
  expect(markup`<style>${verbatim('a > b {}')}</style>`.html).toBe('<style>a > b {}</style>');
});

test('no text can leave its element or attribute', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 50 }), (text) => {
      const { html } = markup`${text}`;
      expect(html).not.toMatch(/[<>"']/);
      expect(html).not.toMatch(/&(?!#\d+;)/);
      // oxlint-disable-next-line no-control-regex
      expect(html).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
    }),
  );
});

test('indentation is removed', () => {
  expect(
    markup`<ul>
    <li>${' a  b '}</li>
  </ul>`.html,
  ).toBe('<ul>\n<li> a  b </li>\n</ul>');
});
