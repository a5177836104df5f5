import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseExposition } from '../../test/exposition.ts';
import { Encoder } from './encode.ts';
import type { FamilyHeader, Format } from './family-header.ts';
import { labelName, renderLabels } from './render-labels.ts';

const FORMATS: readonly Format[] = ['text', 'openmetrics'];
const PROMTOOL = '/usr/bin/promtool';

function encode(format: Format, write: (encoder: Encoder) => void): string {
  const encoder = new Encoder(format);
  write(encoder);
  return Buffer.concat(encoder.finish()).toString();
}

/** One family of each type. */
function writeSample(encoder: Encoder): void {
  encoder.family({
    name: 'isolation_kills_total',
    type: 'counter',
    help: 'Kills, from "memory.events".\nTwo \\ lines.',
  });
  encoder.sample('container="web"', 3);
  encoder.sample('container="db"', 0);
  encoder.family({ name: 'isolation_container_info', type: 'info', help: 'What it is.' });
  encoder.sample('id="1"', 1);
  encoder.family({ name: 'isolation_usage_bytes', type: 'gauge', help: 'Use.' });
  encoder.sample('', 1.5);
  encoder.family({ name: 'isolation_duration_seconds', type: 'histogram', help: 'Durations.' });
  encoder.sampleOf('isolation_duration_seconds_bucket', 'le="0.1"', 1);
  encoder.sampleOf('isolation_duration_seconds_bucket', 'le="+Inf"', 2);
  encoder.sampleOf('isolation_duration_seconds_sum', '', 0.7);
  encoder.sampleOf('isolation_duration_seconds_count', '', 2);
  encoder.family({ name: 'isolation_wait_seconds', type: 'summary', help: 'Waits.' });
  encoder.sample('quantile="0.5"', 0.1);
  encoder.sampleOf('isolation_wait_seconds_sum', '', 0.1);
  encoder.sampleOf('isolation_wait_seconds_count', '', 1);
  encoder.family({ name: 'container_memory_failcnt', type: 'plain_counter', help: 'Hits.' });
  encoder.sample('', 8);
  encoder.family({ name: 'isolation_thing', type: 'unknown', help: 'A thing.' });
  encoder.sample('', 7);
}

test('text 0.0.4', () => {
  expect(encode('text', writeSample)).toBe(`# HELP isolation_kills_total Kills, from "memory.events".\\nTwo \\\\ lines.
# TYPE isolation_kills_total counter
isolation_kills_total{container="web"} 3
isolation_kills_total{container="db"} 0
# HELP isolation_container_info What it is.
# TYPE isolation_container_info gauge
isolation_container_info{id="1"} 1
# HELP isolation_usage_bytes Use.
# TYPE isolation_usage_bytes gauge
isolation_usage_bytes 1.5
# HELP isolation_duration_seconds Durations.
# TYPE isolation_duration_seconds histogram
isolation_duration_seconds_bucket{le="0.1"} 1
isolation_duration_seconds_bucket{le="+Inf"} 2
isolation_duration_seconds_sum 0.7
isolation_duration_seconds_count 2
# HELP isolation_wait_seconds Waits.
# TYPE isolation_wait_seconds summary
isolation_wait_seconds{quantile="0.5"} 0.1
isolation_wait_seconds_sum 0.1
isolation_wait_seconds_count 1
# HELP container_memory_failcnt Hits.
# TYPE container_memory_failcnt counter
container_memory_failcnt 8
# HELP isolation_thing A thing.
# TYPE isolation_thing untyped
isolation_thing 7
`);
});

test('OpenMetrics 1.0', () => {
  const text = encode('openmetrics', writeSample);
  expect(text).toContain(`# TYPE isolation_kills counter
# HELP isolation_kills Kills, from \\"memory.events\\".\\nTwo \\\\ lines.
isolation_kills_total{container="web"} 3
`);
  expect(text).toContain(
    '# TYPE isolation_container info\n# HELP isolation_container What it is.\nisolation_container_info{',
  );
  expect(text).toContain('# TYPE container_memory_failcnt unknown\n');
  expect(text).toContain('# TYPE isolation_thing unknown\n');
  expect(text.endsWith('isolation_thing 7\n# EOF\n')).toBe(true);
});

test.each(FORMATS)('%s: both forms of the sample can be parsed', (format) => {
  const families = parseExposition(encode(format, writeSample), format);
  expect(families).toHaveLength(7);
  expect(families[0]?.help).toBe('Kills, from "memory.events".\nTwo \\ lines.');
});

test('the start of a counter follows its sample, in OpenMetrics only', () => {
  const write = (encoder: Encoder): void => {
    encoder.family({ name: 'a_total', type: 'counter', help: 'A.' });
    for (const [label, start] of [
      ['x="1"', 1_795_391_234.56],
      ['x="2"', 1_795_391_300],
    ] as const) {
      encoder.sample(label, 3, Buffer.from('y="z"'));
      encoder.created(label, start, Buffer.from('y="z"'));
    }
  };
  expect(encode('openmetrics', write)).toBe(`# TYPE a counter
# HELP a A.
a_total{x="1",y="z"} 3
a_created{x="1",y="z"} 1795391234.56
a_total{x="2",y="z"} 3
a_created{x="2",y="z"} 1795391300
# EOF
`);
  expect(encode('text', write)).not.toContain('_created');
});

test('an exposition without samples has only its end', () => {
  const write = (encoder: Encoder): void => encoder.family({ name: 'a', type: 'gauge', help: 'A.' });
  expect(encode('text', write)).toBe('');
  expect(encode('openmetrics', write)).toBe('# EOF\n');
});

test.each([
  [0, '0'],
  [-0, '0'],
  [3, '3'],
  [2 ** 53, '9007199254740992'],
  [0.1, '0.1'],
  [1e21, '1e+21'],
  [5e-324, '5e-324'],
  [Infinity, '+Inf'],
  [-Infinity, '-Inf'],
  [NaN, 'NaN'],
])('the value %d is written as %s', (value, text) => {
  const written = encode('text', (encoder) => {
    encoder.family({ name: 'a', type: 'gauge', help: 'A.' });
    encoder.sample('', value);
  });
  expect(written.endsWith(`\na ${text}\n`)).toBe(true);
});

describe('refuses', () => {
  const begin = (...headers: [string, FamilyHeader['type']][]) => {
    const encoder = new Encoder('text');
    for (const [name, type] of headers) encoder.family({ name, type, help: 'H.' });
    return encoder;
  };

  test('a family that begins twice', () => {
    expect(() => begin(['a', 'gauge'], ['b', 'gauge'], ['a', 'gauge'])).toThrow('Family "a": the name "a" is taken');
  });

  test('a family named like the samples of another', () => {
    expect(() => begin(['a_total', 'counter'], ['a', 'gauge'])).toThrow('the name "a" is taken');
    expect(() => begin(['a', 'histogram'], ['a_count', 'gauge'])).toThrow('the name "a_count" is taken');
    expect(() => begin(['a_total', 'gauge'], ['a_total', 'counter'])).toThrow('the name "a_total" is taken');
  });

  test('a name that does not match the type', () => {
    expect(() => begin(['a', 'counter'])).toThrow('"a" is not a name for a family of type counter');
    expect(() => begin(['a', 'info'])).toThrow('is not a name');
    expect(() => begin(['_total', 'counter'])).toThrow('is not a name');
    expect(() => begin(['a b', 'gauge'])).toThrow('is not a name');
  });

  test('a sample without a family or of another family', () => {
    expect(() => begin().sample('', 1)).toThrow('must belong to a family');
    expect(() => begin().sampleOf('a_sum', '', 1)).toThrow('does not belong to the family');
    expect(() => begin(['a', 'histogram']).sampleOf('b_sum', '', 1)).toThrow('does not belong to the family "a"');
  });
});

describe('any content parses to the same values', () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9_]{0,8}$/);
  const value = fc.oneof(fc.double(), fc.integer(), fc.constantFrom(NaN, Infinity, -Infinity));
  const labels = fc.dictionary(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }),
  );
  const type = fc.constantFrom('counter', 'gauge', 'info', 'unknown');
  const family = fc.record({
    name,
    type,
    help: fc.string({ unit: 'grapheme' }),
    samples: fc.array(fc.tuple(labels, value)),
  });

  test.each(FORMATS)('%s', (format) => {
    fc.assert(
      fc.property(fc.uniqueArray(family, { selector: (each) => each.name }), (families) => {
        const encoder = new Encoder(format);
        const expected = [];
        for (const [index, each] of families.entries()) {
          const base = `${each.name}${index}x`;
          const sampleName = base + (each.type === 'counter' ? '_total' : each.type === 'info' ? '_info' : '');
          encoder.family({ name: sampleName, type: each.type, help: each.help });
          const values = [];
          for (const [position, [pairs, number]] of each.samples.entries()) {
            const entries = [...Object.entries(pairs), ['position', `${position}`] as const];
            encoder.sample(
              renderLabels(
                entries.map(([key]) => key),
                entries.map(([, text]) => text),
              ),
              number,
            );
            values.push(number === 0 ? 0 : number);
          }
          if (values.length > 0) expected.push({ name: format === 'text' ? sampleName : base, values });
        }
        const parsed = parseExposition(Buffer.concat(encoder.finish()).toString(), format);
        expect(parsed.map((each) => ({ name: each.name, values: each.samples.map((sample) => sample.value) }))).toEqual(
          expected,
        );
      }),
    );
  });

  test('label values without control characters are unchanged', () => {
    const printable = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(printable, fc.string({ unit: 'binary' }), (text, key) => {
        const written = encode('text', (encoder) => {
          encoder.family({ name: 'a', type: 'gauge', help: 'A.' });
          encoder.sample(renderLabels([key], [text]), 1);
        });
        expect(parseExposition(written, 'text')[0]?.samples[0]?.labels).toEqual({ [labelName(key)]: text });
      }),
    );
  });
});

test('flushing in parts loses nothing', () => {
  const count = 3_000;
  const written = encode('openmetrics', (encoder) => {
    encoder.family({ name: 'a', type: 'gauge', help: 'A.' });
    for (let index = 0; index < count; index += 1) encoder.sample(`name="grün-${index}"`, index);
  });
  const [family] = parseExposition(written, 'openmetrics');
  expect(family?.samples.map((sample) => sample.value)).toEqual(Array.from({ length: count }, (_, index) => index));
});

test.runIf(existsSync(PROMTOOL))('promtool reports no problems', () => {
  const text = encode('text', (encoder) => {
    encoder.family({ name: 'isolation_container_info', type: 'info', help: 'What it is.' });
    encoder.sample(renderLabels(['name'], ['"\\\n\u001b…ü😀']), 1);
    encoder.family({ name: 'isolation_oom_kills_total', type: 'counter', help: 'Kills, from "memory.events".\n\\' });
    encoder.sample('container="web"', 1e21);
    encoder.family({ name: 'isolation_limit_bytes', type: 'gauge', help: 'Limit.' });
    encoder.sample('', Infinity);
    encoder.family({ name: 'isolation_duration_seconds', type: 'histogram', help: 'Durations.' });
    encoder.sampleOf('isolation_duration_seconds_bucket', 'le="+Inf"', 2);
    encoder.sampleOf('isolation_duration_seconds_sum', '', 0.7);
    encoder.sampleOf('isolation_duration_seconds_count', '', 2);
  });
  const { status, stdout, stderr } = spawnSync(PROMTOOL, ['check', 'metrics'], { input: text, encoding: 'utf8' });
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
});

describe('the parser of these tests refuses', () => {
  test.each([
    ['a 1', 'no end'],
    ['# TYPE a gauge\n', 'without samples'],
    ['# TYPE a gauge\nb 1\n', 'Not of a'],
    ['# TYPE a gauge\na 1\n# TYPE b gauge\nb 1\n# HELP a x\n', 'Family comes twice'],
    ['# TYPE a gauge\na{b="1"} 1\na{b="1"} 2\n', 'Series comes twice'],
    ['# TYPE a gauge\na{b="1",b="2"} 1\n', 'Label comes twice'],
    ['# TYPE a gauge\na{b="1",} 1\n', 'Labels cannot be read'],
    ['# TYPE a gauge\na{b="\\t"} 1\n', 'Labels cannot be read'],
    ['# TYPE a gauge\na 1,5\n', 'Not a number'],
    ['# TYPE a gauge\n\na 1\n', 'Not a sample'],
  ])('%j', (text, message) => {
    expect(() => parseExposition(text, 'text')).toThrow(message);
  });

  test('OpenMetrics without its end', () => {
    expect(() => parseExposition('# TYPE a gauge\na 1\n', 'openmetrics')).toThrow('no "# EOF"');
  });
});
