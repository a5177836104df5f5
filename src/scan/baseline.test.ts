import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { containerReport } from '../../test/reports.ts';
import { baselineOf, parseBaseline, renderBaseline } from './baseline.ts';

const web = containerReport('web', {}, { privileged: 'yes', net_raw: 'yes', ulimits_raised: 'unknown' });
const cart = (pod: string, id: string) =>
  containerReport(
    'app',
    { labels: { engine: 'containerd', namespace: 'shop', pod, container: 'app' } },
    { [id]: 'yes' },
  );

const TEXT = `{
  "format": "isolation-exporter scan baseline",
  "version": 1,
  "containers": [
    {
      "engine": "containerd",
      "namespace": "shop",
      "pod": "cart-*",
      "container": "app",
      "findings": [
        "memory_unlimited",
        "net_raw"
      ]
    },
    {
      "engine": "docker",
      "container": "web",
      "findings": [
        "net_raw",
        "privileged"
      ],
      "unknown": [
        "ulimits_raised"
      ]
    }
  ]
}
`;

describe('the file', () => {
  test('is sorted, and has neither times nor ids', () => {
    const containers = [web, cart('cart-x2x4z', 'net_raw'), cart('cart-x2x5z', 'memory_unlimited')];
    expect(renderBaseline(baselineOf(containers))).toBe(TEXT);
    expect(renderBaseline(baselineOf(containers.toReversed()))).toBe(TEXT);
    expect(renderBaseline(baselineOf([containerReport('well')]))).toContain('"containers": []');
  });

  test('is read as it was written', () => {
    expect(renderBaseline(parseBaseline(TEXT))).toBe(TEXT);
    expect(renderBaseline(parseBaseline(`\ufeff${TEXT.replaceAll('\n', '\r\n')}`))).toBe(TEXT);
  });

  test('is read as it was written whatever the names', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary', minLength: 1 }), { maxLength: 5 }), (names) => {
        const baseline = baselineOf(names.map((name) => containerReport(name, {}, { net_raw: 'yes' })));
        expect(parseBaseline(renderBaseline(baseline))).toEqual(baseline);
      }),
    );
  });

  const changed = (from: string, to: string): string => TEXT.replace(from, to);

  test.each([
    ['', 'the file is empty'],
    [TEXT.slice(0, -10), 'not JSON'],
    ['null', 'not a baseline of this program ("format" is not "isolation-exporter scan baseline")'],
    ['{"version": "2.1.0", "runs": []}', /^not a baseline of this program/],
    [
      changed('"version": 1', '"version": 2'),
      /^version 2, but this program reads version 1; write the baseline again$/,
    ],
    [changed('"version": 1', '"version": "1"'), /^no version, but/],
    [changed('"containers"', '"container"'), '"container" is not known'],
    [changed('"containers": [', '"containers": 7, "x": ['), '"x" is not known'],
    ['{"format": "isolation-exporter scan baseline", "version": 1}', '"containers" is not a list'],
    [changed('"engine": "docker"', '"engine": ""'), 'containers[1] lacks "engine" or "container"'],
    [changed('"engine": "docker"', '"engine": 5'), 'containers[1].engine is not text'],
    [changed('"unknown": [', '"unknwon": ['), 'containers[1]."unknwon" is not known'],
    [
      changed('"privileged"', '"priviledged"'),
      /^containers\[1\].findings\[1\] is not the id of a finding.*"priviledged"$/,
    ],
    [changed('"privileged"', '"net_raw"'), 'containers[1].findings has a finding twice'],
    [changed('"privileged"', '{}'), /^containers\[1\].findings\[1\] is not the id/],
    [changed('[\n        "ulimits_raised"\n      ]', '"ulimits_raised"'), 'containers[1].unknown is not a list'],
    [
      changed(
        '"engine": "docker",\n      "container": "web"',
        '"engine": "containerd", "namespace": "shop", "pod": "cart-*", "container": "app"',
      ),
      'containers[1] is there twice',
    ],
    [
      '{"format": "isolation-exporter scan baseline", "version": 1, "containers": [[]]}',
      'containers[0] is not an object',
    ],
  ])('is refused with one line: %#', (text, message) => {
    expect(() => parseBaseline(text)).toThrow(typeof message === 'string' ? new SyntaxError(message) : message);
  });

  test('that is damaged is refused, or read as what it says', () => {
    const position = fc.integer({ min: 0, max: TEXT.length });
    fc.assert(
      fc.property(position, position, fc.string({ unit: 'binary', maxLength: 3 }), (from, to, text) => {
        const damaged = TEXT.slice(0, Math.min(from, to)) + text + TEXT.slice(Math.max(from, to));
        try {
          parseBaseline(damaged);
        } catch (error) {
          expect(error).toBeInstanceOf(SyntaxError);
          expect(String(error)).not.toContain('\n');
        }
      }),
      { numRuns: 1000 },
    );
  });
});
