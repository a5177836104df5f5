import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readdirSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { parseExposition } from '../../test/exposition.ts';
import type { ParsedFamily } from '../../test/exposition.ts';
import { createdTimestamps } from './created-timestamps.ts';
import { Encoder } from './encode.ts';
import type { Format } from './family-header.ts';
import { countOpenDescriptors, createOwnMetrics } from './own-metrics.ts';

const PROMTOOL = '/usr/bin/promtool';
const own = createOwnMetrics(
  { name: 'isolation-exporter', version: '1.2.3', revision: undefined },
  {
    probes: { stuck: 0 },
    eventLoop: { longestSeconds: 12, totalSeconds: 34 },
    acceptFile: {
      readAt: 56.5,
      counts: new Map([
        ['active', 2],
        ['expired', 1],
      ]),
    },
  },
);

async function encoded(format: Format): Promise<string> {
  const encoder = new Encoder(format);
  await own.encode(encoder);
  return Buffer.concat(encoder.finish()).toString();
}

/** Waits until prom-client's histogram of garbage collections has values. */
async function collectGarbage(): Promise<void> {
  const litter: unknown[] = [];
  for (let round = 0; round < 1000; round += 1) {
    if ((await encoded('text')).includes('nodejs_gc_duration_seconds_bucket')) return;
    litter.splice(0, litter.length, ...Array.from({ length: 10_000 }, () => ({ round })));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

beforeAll(collectGarbage);

test('the counters of the process start with the process', async () => {
  const encoder = new Encoder('openmetrics');
  await own.encode(encoder, createdTimestamps(undefined));
  const text = Buffer.concat(encoder.finish()).toString();
  const created = Number(/^process_cpu_seconds_created (\S+)$/m.exec(text)?.[1]);
  expect(Math.abs(created - performance.timeOrigin / 1000)).toBeLessThan(1);
  expect(await encoded('openmetrics')).not.toContain('_created');
});

describe.each(['text', 'openmetrics'] as const)('%s', (format) => {
  let families: ParsedFamily[];
  const values = (name: string) => families.flatMap((each) => each.samples).filter((each) => each.name === name);

  beforeAll(async () => {
    families = parseExposition(await encoded(format), format);
  });

  test('has the build info, without unknown facts', () => {
    expect(values('isolation_exporter_build_info')).toEqual([
      {
        name: 'isolation_exporter_build_info',
        labels: { version: '1.2.3', nodeversion: process.version, arch: process.arch },
        value: 1,
      },
    ]);
  });

  test('has process metrics', () => {
    expect(values('process_resident_memory_bytes')[0]?.value).toBeGreaterThan(1e6);
    expect(values('process_cpu_seconds_total')[0]?.value).toBeGreaterThan(0);
    expect(values('process_open_fds')[0]?.value).toBeGreaterThan(3);
    expect(
      Math.abs((values('isolation_exporter_clock_timestamp_seconds')[0]?.value ?? 0) - Date.now() / 1000),
    ).toBeLessThan(60);
    expect(families.map((each) => each.name)).not.toContain('nodejs_active_handles_total');
  });

  test('writes histogram bounds as OpenMetrics requires', () => {
    const bounds = values('nodejs_gc_duration_seconds_bucket').map((each) => each.labels['le']);
    expect(new Set(bounds)).toEqual(new Set(['0.001', '0.01', '0.1', '1.0', '2.0', '5.0', '+Inf']));
  });

  test('can be read repeatedly', async () => {
    expect(parseExposition(await encoded(format), format).length).toBe(families.length);
  });
});

test.runIf(existsSync(PROMTOOL))('promtool reports no problems', async () => {
  const { status, stdout, stderr } = spawnSync(PROMTOOL, ['check', 'metrics'], {
    input: await encoded('text'),
    encoding: 'utf8',
  });
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
});

describe('countOpenDescriptors', () => {
  test('counts each opened file', () => {
    const before = countOpenDescriptors();
    const descriptors = Array.from({ length: 50 }, () => openSync('/dev/null', 'r'));
    const after = countOpenDescriptors();
    for (const descriptor of descriptors) closeSync(descriptor);
    // Other parts of the test runner may open and close files meanwhile.
    expect(after - before).toBeGreaterThan(40);
    expect(after - before).toBeLessThan(60);
    expect(Math.abs(countOpenDescriptors() - (readdirSync('/proc/self/fd').length - 1))).toBeLessThan(10);
  });

  test('counts the entries if the kernel does not', () => {
    // In /proc a directory such as this one has the size 0, as /proc/self/fd had before Linux 6.2.
    expect(countOpenDescriptors('/proc/self/task')).toBe(readdirSync('/proc/self/task').length - 1);
  });
});

test('the accept file has its time and its entries by state', async () => {
  const text = await encoded('text');
  expect(text).toContain('\nisolation_exporter_accept_file_last_reload_success_timestamp_seconds 56.5\n');
  expect(text).toContain('\nisolation_exporter_accept_entries{state="active"} 2\n');
  expect(text).toContain('\nisolation_exporter_accept_entries{state="expired"} 1\n');
});

test('no time is later than the clock of the same exposition', async () => {
  const busy = (): number => {
    const from = Date.now();
    while (Date.now() < from + 3);
    return Date.now() / 1000;
  };
  const late = createOwnMetrics(
    { name: 'isolation-exporter', version: '1.2.3', revision: undefined },
    {
      probes: { stuck: 0 },
      eventLoop: { longestSeconds: 0, totalSeconds: 0 },
      acceptFile: {
        get readAt() {
          return busy();
        },
        counts: new Map(),
      },
    },
  );
  const encoder = new Encoder('text');
  await late.encode(encoder);
  const text = Buffer.concat(encoder.finish()).toString();
  const value = (name: string): number => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
  expect(value('isolation_exporter_accept_file_last_reload_success_timestamp_seconds')).toBeLessThanOrEqual(
    value('isolation_exporter_clock_timestamp_seconds'),
  );
});
