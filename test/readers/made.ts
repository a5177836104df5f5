import { Encoder } from '../../src/exposition/encode.ts';
import type { FamilyHeader, Format } from '../../src/exposition/family-header.ts';
import { renderLabels } from '../../src/exposition/render-labels.ts';

/** Texts that a name, an image or a label of a container can have, or that somebody may think of next. */
export const HOSTILE_TEXTS = [
  'plain',
  '"',
  '\\',
  '\\\\',
  'ends with \\',
  '\\n is no newline',
  'two\nlines\n',
  '\\"} 1\nisolation_forged{container="x"} 1\n',
  '",container="other',
  '{}',
  '}',
  '{a="b",c="d"} 3 # {e="f"} 1',
  'a,b=c,,=',
  '# EOF',
  '# TYPE x counter',
  ' leading and trailing ',
  "it's `$(x)` %s %d &lt;",
  '🧨 ünï 漢字 \u202eright to left',
  'separators of lines:\u2028\u2029\u000b\u000c\r\u0085.',
  'NUL and escape: \u0000\u001b[2J',
  'half of a pair: \ud83d.',
  'NaN',
  'x'.repeat(255),
  '"'.repeat(300),
  '漢'.repeat(200),
] as const;

/** Numbers of which a reader may lose a part. */
const NUMBERS = [
  0,
  1,
  -1,
  0.1,
  0.1 + 0.2,
  -1.5,
  1e-7,
  5e-324,
  2.2250738585072014e-308,
  1.7976931348623157e308,
  1e21,
  123456789012345680000,
  1795391234.567,
  2 ** 53 - 1,
  2 ** 53,
  2 ** 63,
  2 ** 64,
  -(2 ** 53),
  NaN,
  Infinity,
  -Infinity,
];

const header = (name: string, type: FamilyHeader['type']): FamilyHeader => ({
  name,
  type,
  help: 'Help with "quotes", a \\ and\ntwo lines # TYPE x counter',
});

/**
 * An exposition by the exporter's own encoder of what no real container has all at once: each hostile text as a value, and each
 * number, in families of each type.
 */
export function madeExposition(format: Format): string {
  const encoder = new Encoder(format);
  const texts = HOSTILE_TEXTS.map((text, index) => renderLabels(['case', 'text'], [`${index}`, text]));
  const numbers = NUMBERS.map((value, index) => [renderLabels(['case'], [`${index}`]), value] as const);
  const finite = numbers.filter(([, value]) => value >= 0 && value !== Infinity);

  encoder.family(header('made_texts', 'gauge'));
  texts.forEach((labels, index) => encoder.sample(labels, index / 10));
  encoder.family(header('made_about_info', 'info'));
  for (const labels of texts) encoder.sample(labels, 1);
  encoder.family(header('made_numbers', 'gauge'));
  for (const [labels, value] of numbers) encoder.sample(labels, value);
  encoder.family(header('made_unknown', 'unknown'));
  for (const [labels, value] of numbers) encoder.sample(labels, value);
  encoder.family(header('made_plain', 'plain_counter'));
  for (const [labels, value] of finite) encoder.sample(labels, value);
  encoder.family(header('made_events_total', 'counter'));
  for (const [labels, value] of finite) {
    encoder.sample(labels, value);
    encoder.created(labels, 1795391234.56);
  }
  encoder.family(header('made_seconds', 'histogram'));
  for (const [le, count] of [
    ['0.005', 1],
    ['2.5', 3],
    ['+Inf', 4],
  ] as const) {
    encoder.sampleOf('made_seconds_bucket', renderLabels(['le'], [le]), count);
  }
  encoder.sampleOf('made_seconds_sum', '', 7.25);
  encoder.sampleOf('made_seconds_count', '', 4);
  return Buffer.concat(encoder.finish()).toString();
}
