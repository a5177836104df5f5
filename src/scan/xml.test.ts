import fc from 'fast-check';
import { expect, test } from 'vitest';
import { validateXML } from 'xmllint-wasm';
import { leaf, parent } from './xml.ts';

test('elements nest, with each on its own line', () => {
  expect(parent('a', {}, [leaf('b', { n: 1 }), parent('c', { m: 'x' }, [leaf('d', {}, 'one\n  two')])])).toBe(
    ['<a>', '  <b n="1"/>', '  <c m="x">', '    <d>one', '  two</d>', '  </c>', '</a>'].join('\n'),
  );
  expect(parent('a', { n: 0 }, [])).toBe('<a n="0"/>');
});

test('special characters become references, and forbidden ones U+FFFD', () => {
  expect(leaf('a', { b: '<&">\'\t\n\r\u0000\u001b\ud800\uffff😀' }, ']]>&\n\r\u0001')).toBe(
    '<a b="&lt;&amp;&quot;&gt;\'&#9;&#10;&#13;\ufffd\ufffd\ufffd\ufffd😀">]]&gt;&amp;\n&#13;\ufffd</a>',
  );
});

test('a parser reads any text', async () => {
  const texts = fc.sample(fc.string({ unit: 'binary', maxLength: 60 }), { numRuns: 300, seed: 4 });
  const xml = parent(
    'all',
    {},
    texts.map((text) => leaf('one', { text }, text)),
  );
  // In canonical form, references are characters again.
  const { errors, normalized } = await validateXML({
    xml: [{ fileName: 'texts.xml', contents: `<?xml version="1.0" encoding="UTF-8"?>\n${xml}` }],
    normalization: 'c14n',
  });
  expect(errors).toEqual([]);
  expect(normalized.match(/<one /g)).toHaveLength(texts.length);
});
