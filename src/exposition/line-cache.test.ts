import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Collector, defineContainerCollector, type PatternSample, type Scrape } from '../collectors/collector.ts';
import type { Container } from '../container.ts';
import { findCgroupLayout } from '../kernel/cgroup-layout.ts';
import { KernelFiles } from '../kernel/kernel-files.ts';
import { recycle } from './buffers.ts';
import { Encoder } from './encode.ts';
import type { Format } from './family-header.ts';
import { Failures } from './failures.ts';
import { LineCache, type Source } from './line-cache.ts';
import { runCollectors } from './scrape.ts';

const kernel = new KernelFiles({
  procRoot: '/proc',
  layout: findCgroupLayout('/proc', '/sys/fs/cgroup'),
  descriptorBudget: 0,
});

/** What a container reports: nothing at all, or numbers and words that come and go. */
interface State {
  readonly usage: number | undefined;
  readonly events: readonly number[];
  readonly fails: boolean;
}

const PATTERNS: readonly (readonly PatternSample[])[] = [
  [],
  [[1, 'a']],
  [
    [1, 'a'],
    [0.5, 'b"c'],
  ],
];

/** A container of a test, with the state that it has in one scrape. */
type Stated = Container & { readonly state: State };

function collectorNamed(name: string): Collector {
  return defineContainerCollector({
    name,
    help: 'All kinds of families.',
    read(container) {
      const { usage, events, fails } = (container as Stated).state;
      if (fails) throw new Error('unreadable');
      return usage === undefined && events.length === 0 ? undefined : { usage, events, sum: events.length };
    },
    families: [
      { name: `isolation_${name}_bytes`, type: 'gauge', help: 'A value.', value: (reading) => reading.usage },
      {
        name: `isolation_${name}_events_total`,
        type: 'counter',
        since: 'cgroup',
        help: 'Any number of samples.',
        labels: ['event'],
        samples: ({ events }, emit) => events.forEach((count, index) => emit(count, `e${index}`)),
      },
      {
        name: `isolation_${name}_of_pod`,
        type: 'gauge',
        of: 'pod',
        help: 'One for each pod.',
        labels: ['kind'],
        samples: ({ sum }, emit) => emit(sum, 'x'),
      },
      {
        name: `isolation_${name}_pattern`,
        type: 'gauge',
        help: 'The same for many.',
        labels: ['kind'],
        pattern: ({ sum }) => PATTERNS[sum] ?? PATTERNS[0] ?? [],
      },
    ],
  });
}

const collectors = [collectorNamed('one'), collectorNamed('two')];

function container(name: string, state: State): Stated {
  const id = name.padEnd(64, '0');
  const made: Stated = {
    cgroup: { path: `/${id}`, inode: 1, seenAt: 0, match: { engine: 'docker', id, infra: false } },
    names: {},
    labels: { engine: 'docker', namespace: '', pod: name.startsWith('p') ? 'pod' : '', container: name },
    files: kernel.cgroup(`/${id}`),
    init: undefined,
    initError: undefined,
    posture: undefined,
    state,
  };
  return made;
}

interface Round {
  readonly format: Format;
  readonly collectors: readonly Collector[];
  readonly containers: readonly Stated[];
  readonly deadline?: number;
}

/** The samples of a round, without the durations. */
async function expose(round: Round, source: Source): Promise<{ pieces: readonly Buffer[]; text: string }> {
  const encoder = new Encoder(round.format, source.pieces);
  const scrape = {
    kernel,
    containers: round.containers,
    hostNamespaces: new Map(),
    members: () => [],
  } as unknown as Scrape;
  const failures = new Failures({ debug() {}, info() {}, warn() {}, error() {} });
  const { deadline = Infinity } = round;
  await runCollectors({ collectors: round.collectors, scrape, encoder, failures, deadline, lines: source.lines });
  const pieces = encoder.finish();
  return {
    pieces,
    text: Buffer.concat(pieces)
      .toString()
      .replaceAll(/^.*duration_seconds.*$/gm, ''),
  };
}

async function expectSameAsWithout(rounds: readonly Round[]): Promise<void> {
  const cache = new LineCache();
  for (const round of rounds) {
    const source = cache.take(round.format, round.collectors);
    const { pieces, text } = await expose(round, source);
    cache.keep(round.format, source, pieces);
    const without = await expose(round, { pieces: [], lines: new Map() });
    expect(text).toBe(without.text);
    for (const each of [pieces, without.pieces]) recycle(each);
  }
}

/** Few, so that readings are often the same. */
const EVENTS: readonly (readonly number[])[] = [[], [0], [1], [0, 1], [1, 1, 0]];

const state = fc.record({
  usage: fc.option(fc.constantFrom(0, 1, 0.5, 1e300, Number.NaN), { nil: undefined }),
  events: fc.constantFrom(...EVENTS),
  fails: fc.constantFrom(false, false, false, true),
});
const round: fc.Arbitrary<Round> = fc.record({
  format: fc.constantFrom<Format>('text', 'openmetrics', 'openmetrics', 'openmetrics'),
  collectors: fc.constantFrom(collectors, collectors, collectors.slice(1)),
  containers: fc
    .uniqueArray(fc.tuple(fc.constantFrom('a', 'b', 'c', 'p1', 'p2'), state), { selector: ([name]) => name })
    .map((list) => list.map(([name, its]) => container(name, its))),
  deadline: fc.constantFrom(Infinity, Infinity, Infinity, 0),
});

describe('an exposition with copied lines', () => {
  it('is the same as one without, whatever appears, changes, fails or ends', async () => {
    await fc.assert(fc.asyncProperty(fc.array(round, { minLength: 2, maxLength: 8 }), expectSameAsWithout), {
      numRuns: 300,
    });
  });

  describe('over several buffers', () => {
    const events = Array.from({ length: 40 }, (_, index) => index);
    const roundOf = (turn: number, changing: number, count = 100): Round => ({
      format: 'text',
      collectors,
      containers: Array.from({ length: count }, (_, index) => {
        const usage = index % 7 === turn ? turn : 0;
        const name = `${'n'.repeat(200)}${index}`;
        return container(name, { usage, events: index < changing ? events.slice(turn) : events, fails: false });
      }),
    });
    const reversed = (round: Round): Round => ({ ...round, containers: round.containers.toReversed() });

    it('is the same', async () => {
      // Nothing changes, then some lines at the beginning become fewer or more, which moves all others.
      await expectSameAsWithout([
        roundOf(1, 0),
        roundOf(1, 0),
        roundOf(2, 1),
        roundOf(2, 1),
        roundOf(3, 30),
        roundOf(1, 0),
      ]);
    });

    it('is the same if the containers come in another order', async () => {
      await expectSameAsWithout([roundOf(1, 0), reversed(roundOf(1, 0)), roundOf(1, 0), reversed(roundOf(2, 1))]);
    });

    it('is the same while a slow client still reads the last one', async () => {
      const cache = new LineCache();
      const sent: { readonly pieces: readonly Buffer[]; readonly text: string }[] = [];
      for (const turn of [1, 1, 2, 3, 3]) {
        const source = cache.take('text', collectors);
        const { pieces, text } = await expose(roundOf(turn, 0), source);
        cache.keep('text', source, pieces);
        sent.push({ pieces, text });
      }
      for (const { pieces, text } of sent) {
        expect(
          Buffer.concat(pieces)
            .toString()
            .replaceAll(/^.*duration_seconds.*$/gm, ''),
        ).toBe(text);
      }
    });

    it('takes the place of the last one in memory', async () => {
      const cache = new LineCache();
      const used = new Set<ArrayBufferLike>();
      let size = 0;
      for (const turn of [1, 1, 2, 3, 3, 1]) {
        const source = cache.take('text', collectors);
        const { pieces } = await expose(roundOf(turn, 0, 300), source);
        cache.keep('text', source, pieces);
        recycle(pieces);
        for (const { buffer } of pieces) used.add(buffer);
        size = pieces.length;
      }
      expect(size).toBeGreaterThan(4);
      expect(used.size).toBeLessThanOrEqual(size + 2);
    });
  });

  it('is the same if the first scrape is still sent while the next is made', async () => {
    const cache = new LineCache();
    const of = (usage: number): Round => ({
      format: 'text',
      collectors,
      containers: ['a', 'b'].map((name) => container(name, { usage, events: [1], fails: false })),
    });
    const first = cache.take('text', collectors);
    const one = await expose(of(1), first);
    cache.keep('text', first, one.pieces);
    // Two scrapes at a time: the second has nothing to copy.
    const [second, third] = [cache.take('text', collectors), cache.take('text', collectors)];
    expect(third.pieces).toEqual([]);
    const two = await expose(of(1), second);
    cache.keep('text', second, two.pieces);
    const three = await expose(of(2), third);
    cache.keep('text', third, three.pieces);
    expect(Buffer.concat(one.pieces).toString()).toContain('isolation_one_bytes{engine="docker",container="a"} 1\n');
    expect(two.text).toBe(one.text);
    expect(three.text).toContain('isolation_one_bytes{engine="docker",container="a"} 2\n');
  });
});
