import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeLive, describeLong } from '../lab/live.ts';
import { host } from '../lab/host.ts';
import { eventually } from '../lab/machine.ts';
import { describeWithReader, type Language, readWith } from '../readers/programs.ts';
import { differenceOf, numberOf, type ReadSample, samplesIn, seriesOf } from '../readers/samples.ts';
import { DOCUMENTS, type DocumentName, Scene } from '../readers/scene.ts';
import { startVictoriaMetrics, type VictoriaMetrics } from './victoria-metrics.ts';

const NONE = { missing: [], extra: [] };

const MADE = DOCUMENTS.filter(({ path, format }) => path === undefined && format === 'openmetrics');
const TEXTS = DOCUMENTS.filter(({ format }) => format === 'text');

describeLive('what others read in the exposition is what our own parser finds', ['containers', 'docker'], () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await Scene.start();
  });
  afterAll(() => scene?.[Symbol.asyncDispose]());

  const expectedIn = ({ name, format }: (typeof DOCUMENTS)[number]) => samplesIn(scene.document(name).text, format);
  const read = (language: Language, name: DocumentName, ...words: readonly string[]) =>
    readWith(language, ...words, scene.document(name).file);

  test('there is something to read: hostile names and labels, each type, and enough of them', () => {
    const samples = DOCUMENTS.map(expectedIn);
    expect(samples.map(({ length }) => length > 100)).toEqual(DOCUMENTS.map(() => true));
    const [first = []] = samples;
    const containers = new Set(first.map(({ labels }) => labels['container']));
    for (const part of ['"', '\\', '{', '}', ',', '🧨', '漢', '\u2028']) {
      expect([...containers].filter((name) => name?.includes(part))).not.toEqual([]);
    }
    const labels = first.find(({ name }) => name === 'isolation_container_labels_info')?.labels ?? {};
    expect(Object.values(labels).filter((value) => value.includes('\n'))).not.toEqual([]);
    expect(new Set(samples.flat().map(({ type }) => type))).toEqual(
      new Set(['counter', 'gauge', 'histogram', 'info', 'unknown']),
    );
  });

  describeWithReader('Prometheus (textparse)', 'go', () => {
    test.each(DOCUMENTS)('$name', async (document) => {
      const found = await read('go', document.name, 'textparse', document.format);
      expect(differenceOf(found, expectedIn(document))).toEqual(NONE);
    });
  });

  describeWithReader('the Go library (expfmt)', 'go', () => {
    test.each(TEXTS)('$name', async (document) => {
      const found = await read('go', document.name, 'expfmt', document.format);
      expect(differenceOf(found, expectedIn(document))).toEqual(NONE);
    });
  });

  describeWithReader("Prometheus' client for Python", 'python', () => {
    test.each(DOCUMENTS)('$name', async (document) => {
      const found = await read('python', document.name, document.format);
      expect(differenceOf(found, expectedIn(document).map(asPythonNames))).toEqual(NONE);
    });
  });

  describeWithReader('prometheus-parse for Rust', 'rust', () => {
    // It splits labels at each comma and equals sign, also between quotes, and replaces no escapes.
    const isSimple = ({ labels, type }: ReadSample) =>
      type !== 'histogram' && Object.values(labels).every((value) => !/[\\"\n,={}]/.test(value));

    test.each(TEXTS)('$name: the series without such characters, and none of the text of others', async (document) => {
      const found = await read('rust', document.name, document.format);
      const all = expectedIn(document);
      const expected = all.filter(isSimple);
      expect(expected.length).toBeGreaterThan(50);
      expect(differenceOf(found, expected).missing).toEqual([]);
      const names = new Set(all.map(({ name }) => name));
      expect(found.filter(({ name }) => !names.has(name))).toEqual([]);
    });
  });

  describeWithReader('openmetrics-parser for Rust', 'rust', () => {
    // It rejects families whose samples differ in the names of their labels, which OpenMetrics allows.
    test.each(MADE)('$name', async (document) => {
      const found = await read('rust', document.name, document.format);
      expect(differenceOf(found.map(withoutEscapes), expectedIn(document))).toEqual(NONE);
    });
  });

  describeLong('VictoriaMetrics', ['newer-debian'], () => {
    let victoria: VictoriaMetrics;
    beforeAll(async () => {
      victoria = await startVictoriaMetrics(host, NO_TARGET);
    });
    afterAll(() => victoria?.[Symbol.asyncDispose]());

    test.each(DOCUMENTS)('$name', async (document) => {
      // It stores no NaN.
      const expected = expectedIn(document).filter(({ value }) => !Number.isNaN(value));
      await victoria.load(scene.document(document.name).text, { extra_label: `${SOURCE}=${document.name}` });
      const stored = await eventually(
        'all samples are stored',
        async () => {
          const lines = (await victoria.dump(`{${SOURCE}="${document.name}"}`)).split('\n').filter(Boolean);
          return lines.length >= expected.length ? lines.map(storedIn) : undefined;
        },
        { timeoutMs: 30_000 },
      );
      const values = new Map(stored);
      expect(stored.length).toBe(values.size);
      const wrong = expected.filter((sample) => !isNear(values.get(seriesOf(sample)), sample.value));
      expect(wrong.slice(0, 5)).toEqual([]);
      expect(values.size).toBe(expected.length);
    });
  });
});

/** It waits for the first scrape of something. */
const NO_TARGET = `global: { scrape_interval: 1s }
scrape_configs: [{ job_name: none, static_configs: [{ targets: ['127.0.0.1:1'] }] }]`;

/** The label that says which document a series in VictoriaMetrics comes from. */
const SOURCE = 'read_from';

/** In the text format it appends `_total` to the name of each counter, as OpenMetrics requires. */
function asPythonNames(sample: ReadSample): ReadSample {
  const { name, type } = sample;
  return type === 'counter' && !/_(total|created)$/.test(name) ? { ...sample, name: `${name}_total` } : sample;
}

/** The crate gives label values as they are between the quotes. */
function withoutEscapes(sample: ReadSample): ReadSample {
  const labels = Object.entries(sample.labels).map(([name, value]) => [
    name,
    value.replaceAll(/\\(.)/g, (_, character: string) => (character === 'n' ? '\n' : character)),
  ]);
  return { ...sample, labels: Object.fromEntries(labels) };
}

/** The series and the value in a line of VictoriaMetrics' export. */
function storedIn(line: string): readonly [string, number] {
  const { metric, values } = JSON.parse(line);
  const { __name__: name, [SOURCE]: source, ...labels } = metric;
  if (values.length !== 1 || source === undefined) throw new Error(`Not one sample: ${line}`);
  return [seriesOf({ name, labels }), typeof values[0] === 'string' ? numberOf(values[0]) : values[0]];
}

/**
 * VictoriaMetrics stores decimal numbers, of which it may round the last digits, and 0 for a number that is almost 0. Anything
 * greater is a fault.
 */
function isNear(stored: number | undefined, value: number): boolean {
  return (
    stored !== undefined && (stored === value || Math.abs(stored - value) <= Math.max(1e-11 * Math.abs(value), 1e-300))
  );
}
