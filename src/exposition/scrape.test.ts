import { describe, expect, it, vi } from 'vitest';
import { type Collector, defineContainerCollector, defineKeptCollector, type Scrape } from '../collectors/collector.ts';
import type { Container } from '../container.ts';
import { findCgroupLayout } from '../kernel/cgroup-layout.ts';
import { KernelFiles } from '../kernel/kernel-files.ts';
import { type CreatedAt, createdTimestamps } from './created-timestamps.ts';
import { Encoder } from './encode.ts';
import { Failures } from './failures.ts';
import { identities, identitiesOfKept, identityOfLabels } from './series-labels.ts';
import { encodeReadings, runCollectors } from './scrape.ts';

const kernel = new KernelFiles({
  procRoot: '/proc',
  layout: findCgroupLayout('/proc', '/sys/fs/cgroup'),
  descriptorBudget: 0,
});

function container(name: string, more: { id?: string; seenAt?: number; inode?: number; pod?: string } = {}): Container {
  const { id = 'f'.repeat(64), seenAt = 0, inode = 1, pod = '' } = more;
  return {
    cgroup: { path: `/${id}`, inode, seenAt, match: { engine: 'docker', id, infra: false } },
    names: {},
    labels: { engine: 'docker', namespace: '', pod, container: name },
    files: kernel.cgroup(`/${id}`),
    init: undefined,
    initError: undefined,
    posture: undefined,
  };
}

const ABOVE_FOUR = [
  [1, 'a"b', 'x'],
  [0.5, 'y', ''],
] as const;

const numbered: Collector = defineContainerCollector({
  name: 'numbered',
  help: 'A number for each container.',
  read(found) {
    if (found.labels.container === 'gone') found.files.close();
    if (found.labels.container === 'broken') throw Object.assign(new Error('no'), { code: 'EACCES' });
    return found.cgroup.inode;
  },
  families: [
    { name: 'isolation_number', type: 'gauge', help: 'The number.', value: (reading) => reading },
    {
      name: 'isolation_pod_number',
      type: 'gauge',
      of: 'pod',
      help: 'Of the pod.',
      labels: ['digit'],
      samples: (reading, emit) => emit(reading, 'a"b'),
    },
    {
      name: 'isolation_pattern',
      type: 'gauge',
      help: 'The same for many.',
      labels: ['one', 'two'],
      pattern: (reading) => (reading > 4 ? ABOVE_FOUR : []),
    },
  ],
  problem: (reading) => (reading === 7 ? Object.assign(new Error('a part of it'), { code: 'EPERM' }) : undefined),
});

const SCRAPE: Scrape = {
  kernel,
  containers: [],
  hostNamespaces: new Map(),
  levels: () => undefined,
  privateParents: () => [],
  isRuntimeCgroup: () => false,
  members: () => [],
  oom: undefined,
  starts: [],
  engineRecords: [],
  state: {
    lifecycle: new Map(),
    sources: new Map(),
    withoutCgroup: new Map(),
    ended: new Map(),
    limitHits: new Map(),
    surplus: new Map(),
  },
};

async function run(
  containers: readonly Container[],
  deadline = Infinity,
  collectors: readonly Collector[] = [numbered],
): Promise<{ text: string; warnings: object[] }> {
  const warnings: object[] = [];
  const log = { debug() {}, info() {}, error() {}, warn: (fields: object) => warnings.push(fields) };
  const encoder = new Encoder('text');
  const scrape = { ...SCRAPE, containers };
  const failures = new Failures(log);
  for (let round = 0; round < 2; round += 1) {
    const encoderOfRound = round === 0 ? new Encoder('text') : encoder;
    await runCollectors({ collectors, scrape, encoder: encoderOfRound, failures, deadline });
  }
  return { text: Buffer.concat(encoder.finish()).toString(), warnings };
}

const counted: Collector = defineContainerCollector({
  name: 'counted',
  help: 'Counts.',
  read: (found) => found.cgroup.inode,
  families: [
    { name: 'isolation_plain_total', type: 'counter', since: 'cgroup', help: 'P.', value: (reading) => reading },
    {
      name: 'isolation_labelled_total',
      type: 'counter',
      since: 'cgroup',
      help: 'L.',
      labels: ['event'],
      samples: (reading, emit) => emit(reading, 'low'),
    },
    { name: 'isolation_older_total', type: 'counter', help: 'O.', value: (reading) => reading },
  ],
});

it('labels that only a reading knows are on its sample, and a reading without any has none', async () => {
  const facts: Collector = defineContainerCollector({
    name: 'facts',
    help: 'F.',
    read: ({ names }) => names.labels,
    families: [{ name: 'isolation_facts_info', type: 'info', help: 'F.', facts: (labels) => labels }],
  });
  const of = (name: string, inode: number, labels?: Record<string, string>): Container => ({
    ...container(name, { inode }),
    names: { name, ...(labels && { labels }) },
  });
  const containers = [of('a', 4, { label_x: 'y"', label_empty: '' }), of('b', 5), of('c', 6, { label_z: '1' })];
  const { text } = await run(containers, Infinity, [facts]);
  expect(text.split('\n').filter((line) => line.startsWith('isolation_facts'))).toEqual([
    'isolation_facts_info{engine="docker",container="a",label_x="y\\""} 1',
    'isolation_facts_info{engine="docker",container="c",label_z="1"} 1',
  ]);
});

describe('the start of counters', () => {
  const containers = [{ ...container('a', { inode: 4 }), cgroupUsedSince: 1000.5 }, container('b', { inode: 5 })];
  const linesOf = async (createdAt?: CreatedAt): Promise<string[]> => {
    const encoder = new Encoder('openmetrics');
    const scrape = { ...SCRAPE, containers };
    const failures = new Failures({ debug() {}, info() {}, error() {}, warn() {} });
    await runCollectors({ collectors: [counted], scrape, encoder, failures, deadline: Infinity, createdAt });
    const text = Buffer.concat(encoder.finish()).toString();
    return text.split('\n').filter((line) => /_(total|created)\{/.test(line));
  };

  it('is written if known', async () => {
    expect(await linesOf(createdTimestamps(undefined))).toEqual([
      'isolation_plain_total{engine="docker",container="a"} 4',
      'isolation_plain_created{engine="docker",container="a"} 1000.5',
      'isolation_plain_total{engine="docker",container="b"} 5',
      'isolation_labelled_total{engine="docker",container="a",event="low"} 4',
      'isolation_labelled_created{engine="docker",container="a",event="low"} 1000.5',
      'isolation_labelled_total{engine="docker",container="b",event="low"} 5',
      'isolation_older_total{engine="docker",container="a"} 4',
      'isolation_older_total{engine="docker",container="b"} 5',
    ]);
  });

  it('is not written by default', async () => {
    expect((await linesOf()).filter((line) => line.includes('_created'))).toEqual([]);
  });

  it("is boot, as read at the daemon's start, for counters of the kernel", () => {
    expect(createdTimestamps('cpu 1\nbtime 1795391234\n')('boot', undefined)).toBe(1_795_391_234);
    expect(createdTimestamps(undefined)('boot', undefined)).toBeUndefined();
  });
});

describe('runCollectors()', () => {
  it('omits only the failing container, and logs once', async () => {
    const { text, warnings } = await run([
      container('a', { inode: 4 }),
      container('broken'),
      container('c', { inode: 6 }),
    ]);
    expect(text).toContain('isolation_number{engine="docker",container="a"} 4\n');
    expect(text).toContain('isolation_number{engine="docker",container="c"} 6\n');
    expect(text).not.toContain('broken');
    expect(text).toContain('isolation_scrape_collector_success{collector="numbered"} 0\n');
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatchObject({
      collector: 'numbered',
      remedy: expect.stringContaining('CAP_DAC_READ_SEARCH'),
    });
  });

  it('writes the samples of a pattern for each of its containers', async () => {
    const { text } = await run([
      container('a', { inode: 4 }),
      container('b', { inode: 5 }),
      container('c', { inode: 6 }),
    ]);
    const lines = text.split('\n').filter((line) => line.startsWith('isolation_pattern'));
    expect(lines.toSorted()).toEqual([
      'isolation_pattern{engine="docker",container="b",one="a\\"b",two="x"} 1',
      'isolation_pattern{engine="docker",container="b",one="y"} 0.5',
      'isolation_pattern{engine="docker",container="c",one="a\\"b",two="x"} 1',
      'isolation_pattern{engine="docker",container="c",one="y"} 0.5',
    ]);
  });

  it('keeps a partly unknown reading, and logs the problem', async () => {
    const { text, warnings } = await run([container('a', { inode: 7 })]);
    expect(text).toContain('isolation_number{engine="docker",container="a"} 7\n');
    expect(text).toContain('isolation_scrape_collector_success{collector="numbered"} 0\n');
    expect(warnings).toMatchObject([{ collector: 'numbered', error: { message: 'a part of it' } }]);
  });

  it('exports nothing for a container that is removed while it is read', async () => {
    const { text, warnings } = await run([container('a', { inode: 4 }), container('gone')]);
    expect(text).toContain('isolation_number{engine="docker",container="a"} 4\n');
    expect(text).not.toContain('gone');
    expect(text).toContain('isolation_scrape_collector_success{collector="numbered"} 1\n');
    expect(warnings).toEqual([]);
  });

  it('fails for a listed container whose cgroup has long been gone, and logs once', async () => {
    const gone = container('lost');
    expect(gone.files.read('pids', 'pids.current')).toBeUndefined();
    const soon = await run([container('a', { inode: 4 }), gone]);
    expect(soon.text).toContain('isolation_scrape_collector_success{collector="numbered"} 1\n');
    expect(soon.warnings).toEqual([]);
    vi.useFakeTimers({ toFake: ['performance'], now: Date.now() });
    vi.advanceTimersByTime(performance.now() + 3_000_000);
    const later = await run([container('a', { inode: 4 }), gone]);
    vi.useRealTimers();
    expect(later.text).toContain('isolation_number{engine="docker",container="a"} 4\n');
    expect(later.text).not.toContain('lost');
    expect(later.text).toContain('isolation_scrape_collector_success{collector="numbered"} 0\n');
    expect(later.warnings).toEqual([{ cgroup: gone.cgroup.path }]);
  });

  it('omits late readings, and reports them', async () => {
    const { text, warnings } = await run([container('a')], performance.now() - 1);
    expect(text).not.toContain('isolation_number{');
    expect(text).toContain('isolation_scrape_collector_success{collector="numbered"} 0\n');
    expect(warnings).toEqual([]);
  });

  it('labels containers and pods as the caller wants', async () => {
    const encoder = new Encoder('text');
    const containers = [container('a', { pod: 'p', inode: 1 }), container('broken', { inode: 2 })];
    const outcomes = await encodeReadings({
      collectors: [numbered],
      scrape: { ...SCRAPE, containers },
      encoder,
      failures: new Failures({ debug() {}, info() {}, error() {}, warn() {} }),
      deadline: Infinity,
      seriesLabels: {
        ofContainers: (all) => new Map(all.map((each) => [each, `id="${each.labels.container}"`])),
        ofPod: ({ labels }) => `of="${labels.pod}"`,
      },
    });
    const lines = Buffer.concat(encoder.finish()).toString().split('\n');
    expect(lines.filter((line) => /^[^#]/.test(line))).toEqual([
      'isolation_number{id="a"} 1',
      'isolation_pod_number{of="p",digit="a\\"b"} 1',
    ]);
    expect(outcomes.map(({ collector, success }) => [collector, success])).toEqual([['numbered', false]]);
  });

  it('exports a pod once, without a container label', async () => {
    const { text } = await run([container('a', { pod: 'p', inode: 1 }), container('b', { pod: 'p', inode: 2 })]);
    expect(text).toContain('isolation_pod_number{engine="docker",pod="p",digit="a\\"b"} 1\n');
    expect(text).toContain('isolation_pod_number{engine="docker",pod="p",container="b",digit="a\\"b"} 2\n');
  });
});

describe('labels that become equal once printable', () => {
  const named = (value: string) => ({ labels: { engine: 'docker', namespace: '', pod: '', container: value } });
  const kept = defineKeptCollector({
    name: 'kept',
    help: 'What is kept.',
    entries: () => [named('e\u0001'), named('e\u0002'), named('f')],
    read: ({ labels }) => labels.container.length,
    families: [{ name: 'isolation_kept', type: 'gauge', help: 'The length.', value: (length) => length }],
  });
  const labelled = defineContainerCollector({
    name: 'labelled',
    help: 'Names that the container chose.',
    read: () => ['e\u0001', 'e\u0002', 'f'],
    families: [
      {
        name: 'isolation_labelled',
        type: 'gauge',
        help: 'One for each.',
        labels: ['name'],
        samples: (names, emit) => names.forEach((name, index) => emit(index, name)),
      },
    ],
  });

  it('make one series for one container, and distinct series for several containers', async () => {
    const { text } = await run([container('a'), container('b')], Infinity, [kept, labelled]);
    expect(text.split('\n').filter((line) => /^isolation_(?:kept|labelled)\{/.test(line))).toEqual([
      'isolation_kept{engine="docker",container="e\ufffd"} 2',
      'isolation_kept{engine="docker",container="e\ufffd~b2dcdaad1ee0"} 2',
      'isolation_kept{engine="docker",container="f"} 1',
      'isolation_labelled{engine="docker",container="a",name="e\ufffd"} 0',
      'isolation_labelled{engine="docker",container="a",name="f"} 2',
      'isolation_labelled{engine="docker",container="b",name="e\ufffd"} 0',
      'isolation_labelled{engine="docker",container="b",name="f"} 2',
    ]);
  });
});

describe('identityOfLabels()', () => {
  it('has no backtick, which ends a raw string of PromQL', () => {
    expect(identityOfLabels(container('a`b"c', { pod: '`' }).labels)).toBe(
      `engine="docker",pod="'",container="a'b\\"c"`,
    );
  });
});

describe('identitiesOfKept()', () => {
  const entry = (name: string) => ({ labels: container(name).labels });
  const long = 'x'.repeat(300);

  it('keeps shortened names distinct', () => {
    const entries = [entry(`${long}1`), entry(`${long}2`), entry('web')];
    const found = identitiesOfKept(entries, new Map());
    expect([...found.values()]).toEqual(entries);
    expect([...found.keys()].map((labels) => labels.length)).toEqual([
      identityOfLabels(container(long).labels).length,
      expect.any(Number),
      identityOfLabels(container('web').labels).length,
    ]);
    // Every scrape gives the same result.
    expect([...identitiesOfKept(entries, new Map()).keys()]).toEqual([...found.keys()]);
  });

  it('gives an entry the labels of its live container', () => {
    const [old, next] = [
      container(`${long}1`, { id: 'a'.repeat(64), seenAt: 1 }),
      container(`${long}2`, { id: 'b'.repeat(64), seenAt: 2 }),
    ];
    const live = identities([old, next]);
    const entries = [entry(`${long}0`), entry(`${long}1`), entry(`${long}2`)];
    const found = new Map(
      [...identitiesOfKept(entries, live)].map(([labels, { labels: raw }]) => [raw.container, labels]),
    );
    expect(found.get(`${long}1`)).toBe(live.get(old));
    expect(found.get(`${long}2`)).toBe(live.get(next));
    expect(new Set(found.values()).size).toBe(3);
  });
});

describe('identities()', () => {
  it('leaves the name to the newest container', () => {
    const old = container('web', { id: 'a'.repeat(64), seenAt: 1 });
    const young = container('web', { id: 'b'.repeat(64), seenAt: 2 });
    const found = identities([old, young]);
    expect(found.get(young)).toBe('engine="docker",container="web"');
    expect(found.get(old)).toBe(`engine="docker",container="web~${'a'.repeat(12)}"`);
  });

  it('never leaves the name of a container of the root of the host to one that others have made', () => {
    const id = 'a'.repeat(64);
    const own = container('web', { id, seenAt: 1 });
    const { cgroup } = container('web', { id, seenAt: 2, inode: 2 });
    const ofUser = { ...own, cgroup: { ...cgroup, match: { ...cgroup.match, territory: '/user.slice' } } };
    const { match: outer } = container('host').cgroup;
    const inside = { ...own, cgroup: { ...cgroup, inode: 3, match: { ...cgroup.match, outer } } };
    const found = identities([inside, own, ofUser]);
    expect(found.get(own)).toBe('engine="docker",container="web"');
    expect(new Set(found.values()).size).toBe(3);
  });

  it('makes all labels distinct for any names and ids', () => {
    const names = ['web', 'x'.repeat(10_000), '\n"\\', '\ud800', ''];
    const all = names.flatMap((name) =>
      [1, 2, 3, 4].map((inode) => container(name, { id: inode > 2 ? 'same' : `${inode}`.repeat(64), inode })),
    );
    expect(new Set(identities(all).values()).size).toBe(all.length);
  });
});
