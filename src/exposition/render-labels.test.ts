import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { labelName, labelValue, renderLabels } from './render-labels.ts';

describe('renderLabels', () => {
  test('renders pairs in order', () => {
    expect(renderLabels(['engine', 'container'], ['docker', 'web'])).toBe('engine="docker",container="web"');
  });

  test('omits empty and missing values', () => {
    expect(renderLabels(['a', 'b', 'c'], ['', 'x'])).toBe('b="x"');
    expect(renderLabels(['a'], [''])).toBe('');
    expect(renderLabels([], [])).toBe('');
  });

  test('keeps names distinct that map to the same name', () => {
    expect(renderLabels(['a_b', 'a.b', 'a-b'], ['1', '2', '3'])).toBe('a_b="1",a_b_2="2",a_b_3="3"');
    expect(renderLabels(['a.b', 'a_b'], ['1', '2'])).toBe('a_b_2="1",a_b="2"');
  });
});

describe('labelName', () => {
  test.each([
    ['com.docker.compose/project', 'com_docker_compose_project'],
    ['ns', 'ns'],
    ['1st', '_1st'],
    ['', '_'],
    ['__name__', '_name__'],
    ['-_x', '_x'],
    ['größe', 'gr__e'],
  ])('%j becomes %s', (text, name) => {
    expect(labelName(text)).toBe(name);
  });

  test('is valid, not reserved and stable for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const name = labelName(text);
        expect(name).toMatch(/^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/);
        expect(labelName(name)).toBe(name);
      }),
    );
  });
});

describe('labelValue', () => {
  test('escapes backslash, quote and newline', () => {
    expect(labelValue('a\\b"c\nd')).toBe('a\\\\b\\"c\\nd');
  });

  test('replaces other control characters and lone surrogates', () => {
    expect(labelValue('a\u0000\t\r\u001b\u007f\u009bb')).toBe('a\ufffd\ufffd\ufffd\ufffd\ufffd\ufffdb');
    expect(labelValue('\ud800x\udfff')).toBe('\ufffdx\ufffd');
    expect(labelValue('😀')).toBe('😀');
  });

  test('keeps 256 bytes and cuts longer values at a code point', () => {
    expect(labelValue('a'.repeat(256))).toBe('a'.repeat(256));
    expect(labelValue('a'.repeat(257))).toBe(`${'a'.repeat(253)}…`);
    expect(labelValue('é'.repeat(128))).toBe('é'.repeat(128));
    expect(labelValue('é'.repeat(129))).toBe(`${'é'.repeat(126)}…`);
    expect(labelValue('😀'.repeat(10_000))).toBe(`${'😀'.repeat(63)}…`);
    expect(labelValue(`${'a'.repeat(255)}😀`)).toBe(`${'a'.repeat(253)}…`);
  });

  test('cuts before escaping', () => {
    expect(labelValue('"'.repeat(10_240))).toBe(`${'\\"'.repeat(253)}…`);
  });

  test('is valid UTF-8 of limited length without control characters for any text', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 400 }),
      fc.array(fc.integer({ max: 0xffff, min: 0 })).map((units) => String.fromCharCode(...units)),
    );
    fc.assert(
      fc.property(text, (value) => {
        const rendered = labelValue(value);
        expect(Buffer.from(rendered).toString()).toBe(rendered);
        // oxlint-disable-next-line no-control-regex
        expect(rendered).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
        expect(Buffer.byteLength(rendered.replaceAll(/\\(.)/g, '$1'))).toBeLessThanOrEqual(256);
      }),
    );
  });
});
