import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OomModel } from './oom-model.ts';

type Step = readonly [what: string, ...numbers: number[]];

/** Paths of containers. The last two are inside the first. */
const PATHS = ['/docker/a', '/docker/b', '/docker/c', '/docker/a/docker/x', '/docker/a/docker/y'];

const which = fc.nat({ max: PATHS.length - 1 });
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.tuple(fc.constant('create'), which, fc.constantFrom(1, 1, 2, 4), fc.nat({ max: 1 })) },
    { weight: 2, arbitrary: fc.tuple(fc.constant('fork'), which) },
    { weight: 5, arbitrary: fc.tuple(fc.constant('kill'), which) },
    { weight: 4, arbitrary: fc.tuple(fc.constant('remove'), which) },
    { weight: 4, arbitrary: fc.tuple(fc.constant('die'), which) },
    { weight: 3, arbitrary: fc.tuple(fc.constant('brief'), which) },
    { weight: 6, arbitrary: fc.tuple(fc.constant('notice'), fc.constantFrom(1, 1, 2, 3, 100)) },
    { weight: 5, arbitrary: fc.tuple(fc.constant('poll')) },
    { weight: 3, arbitrary: fc.tuple(fc.constant('scrape')) },
    { weight: 3, arbitrary: fc.tuple(fc.constant('pass'), fc.constantFrom(5, 30, 200, 1_500, 6_000)) },
    { weight: 1, arbitrary: fc.tuple(fc.constant('save')) },
    { weight: 1, arbitrary: fc.tuple(fc.constant('restart')) },
    { weight: 1, arbitrary: fc.tuple(fc.constant('exhaust')) },
    { weight: 2, arbitrary: fc.tuple(fc.constant('meanwhile'), which) },
  ),
  { maxLength: 30, size: 'max' },
);

function take(model: OomModel, [what, first = 0, second = 0, third = 0]: Step): void {
  const { world } = model;
  const path = PATHS[first] ?? '';
  const die = (): void => {
    world.kill(path);
    world.remove(path);
  };
  switch (what) {
    case 'create':
      // One inside another exists only as long as that.
      if (first >= 3 && !world.containers.includes('/docker/a')) return;
      return world.create(path, { processes: second, isGroup: third === 1 });
    case 'fork':
      return world.fork(path);
    case 'kill':
      return world.kill(path);
    case 'remove':
      return world.remove(path);
    case 'die':
      return die();
    case 'brief':
      world.create(path);
      return die();
    case 'notice':
      return model.notice(first);
    case 'poll':
      return model.poll();
    case 'scrape':
      return void model.scrape();
    case 'pass':
      return model.pass(first);
    case 'save':
      return model.save();
    case 'restart':
      return model.restart();
    case 'exhaust':
      for (let kills = 0; kills < 10; kills += 1) world.killElsewhere();
      return;
    case 'meanwhile':
      world.meanwhile = die;
      return;
    default:
      throw new Error(what);
  }
}

/** Steps that once made the exporter count a kill twice, or in a container that did not have it. */
const CASES: readonly (readonly [what: string, source: 'log' | 'slow log' | 'counters', steps: readonly Step[]])[] = [
  [
    'a container came and went, and its events are on their way when the only other one is gone',
    'counters',
    [['create', 2, 1, 0], ['notice', 1], ['remove', 2], ['notice', 1], ['brief', 0], ['poll']],
  ],
  [
    'another container has taken a path, and discovery has not noticed',
    'counters',
    [
      ['create', 0, 1, 0],
      ['create', 1, 1, 0],
      ['notice', 2],
      ['remove', 1],
      ['notice', 1],
      ['remove', 0],
      ['create', 0, 1, 0],
      ['kill', 0],
      ['poll'],
    ],
  ],
  [
    'the processes of another container that has taken a path are listed as those of the one before',
    'log',
    [
      ['create', 0, 1, 0],
      ['notice', 1],
      ['brief', 0],
      ['create', 0, 1, 0],
      ['pass', 5],
      ['kill', 0],
    ],
  ],
  [
    'the log names a container before discovery has found the one around it',
    'log',
    [['create', 0, 1, 0], ['brief', 3], ['poll']],
  ],
  [
    'the log names a container inside another one that has taken the path of one before',
    'log',
    [['create', 0, 1, 0], ['notice', 1], ['brief', 0], ['scrape'], ['create', 0, 1, 0], ['brief', 3]],
  ],
  [
    'the log names a container again, inside another one that has taken the path of the one around it',
    'slow log',
    [
      ['create', 0, 1, 0],
      ['create', 4, 1, 0],
      ['notice', 100],
      ['die', 0],
      ['create', 0, 1, 0],
      ['brief', 4],
    ],
  ],
  [
    'the counter around a container is read before the part of the log that names it',
    'slow log',
    [['scrape'], ['create', 0, 1, 0], ['brief', 3], ['notice', 1], ['poll'], ['remove', 0]],
  ],
  [
    'a container inside another one has a kill before discovery has found it',
    'counters',
    [['create', 0, 1, 0], ['create', 4, 1, 0], ['notice', 1], ['kill', 4], ['scrape']],
  ],
  [
    'a container inside another one that has taken a path is found before that',
    'slow log',
    [
      ['create', 0, 1, 0],
      ['brief', 3],
      ['notice', 1],
      ['brief', 0],
      ['create', 0, 1, 0],
      ['create', 3, 1, 0],
      ['kill', 3],
    ],
  ],
  [
    'a container has taken the path of a group that was killed',
    'log',
    [
      ['exhaust'],
      ['create', 2, 1, 1],
      ['die', 2],
      ['create', 0, 1, 0],
      ['create', 2, 1, 0],
      ['kill', 0],
      ['notice', 1],
      ['kill', 2],
    ],
  ],
];

function outcomeOf(version: 1 | 2, source: 'log' | 'slow log' | 'counters', taken: readonly Step[]): unknown {
  using model = new OomModel({ hasLog: source !== 'counters', version });
  model.world.recordCost = source === 'slow log' ? 1 : 0;
  for (const step of taken) take(model, step);
  const { doubled, excess } = model.settle();
  return { doubled, excess };
}

/** `MODEL_RUNS=3000 npx vitest run --project program --testTimeout 600000 test/oom-model.test.ts` makes more. */
const RUNS = Number(process.env['MODEL_RUNS'] ?? 100);

describe.each([1, 2] as const)('the counts of OOM kills on cgroup v%i', (version) => {
  it.each(CASES)('are not too high if %s', (_, source, taken) => {
    expect(outcomeOf(version, source, taken)).toEqual({ doubled: {}, excess: 0 });
  });

  it.each(['log', 'slow log', 'counters'] as const)('never are more than the kernel’s, by the %s', (source) => {
    fc.assert(
      fc.property(steps, (taken) => {
        expect(outcomeOf(version, source, taken)).toEqual({ doubled: {}, excess: 0 });
      }),
      { numRuns: RUNS },
    );
  });
});
