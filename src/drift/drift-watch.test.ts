import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { mount, subject, type SubjectFacts } from '../../test/subjects.ts';
import type { Container, ContainerCgroup } from '../container.ts';
import { type Acceptance, withAccepted } from '../findings/acceptance.ts';
import { assess } from '../findings/assess.ts';
import { parseCapabilitySet } from '../kernel/capabilities.ts';
import { SteadyClock } from '../kernel/steady-clock.ts';
import { DriftWatch, STARTING_MS } from './drift-watch.ts';
import type { OwnLimits } from './facts.ts';

const LIMITS: OwnLimits = { memory: 64 * 1024 ** 2, swap: 128 * 1024 ** 2, cpu: 0.5, pids: 100 };
const PRIVILEGED = { others: [{ permitted: parseCapabilitySet('0000003fffffffff') }] };
const NAMED = { engine: 'docker', namespace: '', pod: '', container: 'web' };

let lines: Readonly<Record<string, unknown>>[];
let elapsed: number;
let watch: DriftWatch;
let cgroup: ContainerCgroup;

const log = {
  debug() {},
  info() {},
  error() {},
  warn: (facts: object, msg: string) => void lines.push({ ...facts, msg }),
};
const BOOT = Date.UTC(2026, 10, 29);

beforeEach(() => {
  lines = [];
  elapsed = 1_000_000;
  const clock = new SteadyClock({ steady: () => elapsed / 1000, wall: () => (BOOT + elapsed) / 1000 });
  watch = new DriftWatch(log, { now: () => BOOT + elapsed, elapsed: () => elapsed, clock });
  cgroup = newCgroup();
});

function newCgroup(): ContainerCgroup {
  return { path: '/docker/0', inode: 1, match: { engine: 'docker', id: '0', infra: false }, seenAt: elapsed };
}

/** Those of a container that is not gone. */
const FILES = { confirm() {}, gone: false };

interface Seen extends SubjectFacts {
  readonly limits?: Partial<OwnLimits>;
  readonly limited?: Partial<Record<'memory' | 'cpu' | 'pids', boolean | undefined>>;
  readonly accepted?: readonly string[];
  readonly pid?: number;
  readonly startTime?: number;
  readonly readAt?: number;
}

const ACCEPTANCE: Acceptance = { reason: 'why not', owner: undefined, expires: undefined };

/** One scrape that finds this; what got worse, as `finding count`. */
function scrape(seen: Seen = {}, of = cgroup): readonly string[] {
  const { limits, limited, accepted = [], pid = 7, startTime = (BOOT + 1_000_000) / 1000, readAt = elapsed } = seen;
  const found = subject(seen);
  const { findings } = assess({ ...found, limited: { ...found.limited, ...limited } });
  const { posture } = found;
  const container = {
    cgroup: of,
    files: FILES,
    labels: NAMED,
    posture,
    postureReadAt: readAt,
    init: { pid, startTime },
  } as unknown as Container;
  const marked = withAccepted(findings, new Map(accepted.map((id) => [id, ACCEPTANCE])));
  return watch.observe(container, marked, { ...LIMITS, ...limits }).map(({ finding, count }) => `${finding} ${count}`);
}

/** A container whose start is over. */
function settle(seen: Seen = {}): void {
  scrape(seen);
  elapsed += STARTING_MS;
  scrape(seen);
  elapsed += 15_000;
}

const changes = () => lines.map((line) => line['changes']);

describe('a running container', () => {
  test.each<[what: string, seen: Seen, before: Seen, told: readonly string[]]>([
    [
      'docker exec --privileged',
      PRIVILEGED,
      {},
      [
        'takeover_capability: none -> DAC_READ_SEARCH, SYS_MODULE, SYS_RAWIO, SYS_ADMIN, SYS_BOOT, 2 more',
        expect.stringMatching(/^added_capability: none -> DAC_READ_SEARCH, LINUX_IMMUTABLE, .*, \d+ more$/),
        expect.stringMatching(/^capabilities_kept: CHOWN, .* -> DAC_READ_SEARCH, /),
        expect.stringMatching(/^stronger_process: none -> DAC_READ_SEARCH, /),
      ],
    ],
    [
      'another mount of the host, of a kind that it had before',
      { mounts: { hostMounts: [mount('critical'), mount('critical', { hostPath: '/etc', mountPoint: '/mnt' })] } },
      { mounts: { hostMounts: [mount('critical')] } },
      [
        'critical_host_path_writable: /x on /x (rw) -> /etc on /mnt (rw), /x on /x (rw)',
        'host_path_mounted: /x on /x (rw) -> /etc on /mnt (rw), /x on /x (rw)',
      ],
    ],
    [
      'a mount that is no longer read-only',
      { mounts: { hostMounts: [mount('plain')] } },
      { mounts: { hostMounts: [mount('plain', { writable: false })] } },
      ['host_path_mounted: /x on /x (ro) -> /x on /x (rw)'],
    ],
    [
      'docker update --memory-swap -1',
      { limits: { swap: Infinity } },
      {},
      ['swap_unlimited: 134217728 bytes -> no limit'],
    ],
    [
      'limits that are gone',
      {
        limits: { memory: Infinity, cpu: Infinity, pids: Infinity },
        limited: { memory: false, cpu: false, pids: false },
      },
      {},
      [
        'memory_unlimited: 67108864 bytes -> no limit',
        'cpu_unlimited: 0.5 cores -> no limit',
        'pids_unlimited: 100 processes -> no limit',
      ],
    ],
    [
      'a process in a namespace of the host',
      { posture: { escapedProcesses: 1 } },
      {},
      ['process_escaped: none -> yes'],
    ],
    [
      'a process without seccomp and no_new_privs',
      { process: { noNewPrivileges: true }, others: [{ seccomp: 'disabled', noNewPrivileges: false }] },
      { process: { noNewPrivileges: true } },
      [
        'seccomp_disabled: none -> yes',
        'new_privileges_allowed: none -> yes',
        'stronger_process: none -> no seccomp filter',
      ],
    ],
    ['a namespace entered', { shares: { net: true } }, {}, ['host_network_namespace: none -> yes']],
  ])('that got worse: %s', (_, seen, before, told) => {
    settle(before);
    const found = scrape(seen);
    expect(changes()).toEqual([told]);
    expect(lines[0]).toMatchObject({
      engine: 'docker',
      container: 'web',
      msg: 'isolation of a running container got worse',
    });
    expect(found).toEqual(told.map((_each, index) => expect.stringMatching(/^\w+ 1$/) as string & typeof index));
    // It stays told when it is over, and is not told again while it lasts.
    expect(scrape(seen)).toEqual(found);
    expect(scrape(before)).toEqual(found);
    expect(lines).toHaveLength(1);
  });

  test('has the time at which it was seen', () => {
    settle();
    const at = (BOOT + elapsed) / 1000;
    scrape({ limits: { swap: Infinity } });
    elapsed += 15_000;
    const again = watch.observe({ cgroup } as Container, [], LIMITS);
    expect(again).toMatchObject([{ finding: 'swap_unlimited', severity: 'medium', at, count: 1 }]);
  });

  test('that is as it was at its start has nothing, whatever that is', () => {
    settle(PRIVILEGED);
    expect(scrape(PRIVILEGED)).toEqual([]);
    expect(scrape()).toEqual([]);
    // As its baseline.
    expect(scrape(PRIVILEGED)).toEqual([]);
    expect(lines).toEqual([]);
  });

  test('is not worse for a limit that is higher, or lower and then as before', () => {
    settle();
    expect(scrape({ limits: { memory: 1024 ** 3 } })).toEqual([]);
    expect(scrape({ limits: { memory: 1024 } })).toEqual([]);
    expect(scrape()).toEqual([]);
  });

  test('with a directory of the host is not worse for what the host mounts there', () => {
    const own = mount('root', { hostPath: '/', mountPoint: '/host' });
    const pods = mount('plain', { hostPath: '/var/lib/kubelet/pods/1', mountPoint: '/host/var/lib/kubelet/pods/1' });
    const lower = mount('plain', { hostPath: '/srv/a', mountPoint: '/host/srv/a' });
    settle({ mounts: { hostMounts: [own] } });
    expect(scrape({ mounts: { hostMounts: [own, pods, lower] } })).toEqual([]);
    const beside = mount('plain', { hostPath: '/srv', mountPoint: '/host2/srv' });
    expect(scrape({ mounts: { hostMounts: [own, pods, beside] } })).toEqual(['host_path_mounted 1']);
  });
});

describe('what is unknown', () => {
  const unknown: Seen = { mounts: { hostMounts: undefined }, limits: { swap: undefined } };
  const bad: Seen = { mounts: { hostMounts: [mount('socket')] }, limits: { swap: Infinity } };

  test('is not worse when it becomes known, which is then what the container had', () => {
    settle(unknown);
    expect(scrape(bad)).toEqual([]);
    expect(scrape()).toEqual([]);
    expect(scrape(bad)).toEqual([]);
    expect(lines).toEqual([]);
  });

  test('in between changes nothing', () => {
    settle();
    scrape(unknown);
    expect(scrape(bad)).toEqual(['swap_unlimited 1', 'engine_socket 1', 'host_path_mounted 1'].toSorted(byDisplay));
    scrape(unknown);
    expect(scrape(bad)).toEqual(['engine_socket 1', 'host_path_mounted 1', 'swap_unlimited 1']);
    expect(lines).toHaveLength(1);
  });
});

const ORDER = ['engine_socket 1', 'host_path_mounted 1', 'swap_unlimited 1'];
const byDisplay = (a: string, b: string) => ORDER.indexOf(a) - ORDER.indexOf(b);

test('the time of a change keeps its age, and is not in the future, when the clock is set', () => {
  let wall = BOOT / 1000;
  const clock = new SteadyClock({ steady: () => elapsed / 1000, wall: () => wall });
  watch = new DriftWatch(log, { now: () => wall * 1000, elapsed: () => elapsed, clock });
  wall += elapsed / 1000;
  scrape({ startTime: BOOT / 1000 });
  const times = () => {
    const { posture } = subject(PRIVILEGED);
    const container = {
      cgroup,
      labels: NAMED,
      files: FILES,
      posture,
      postureReadAt: elapsed,
      init: { pid: 7, startTime: 0 },
    };
    const { findings } = assess(subject(PRIVILEGED));
    return watch.observe(container as unknown as Container, findings, LIMITS).map(({ at }) => wall - at);
  };
  const before = times();
  expect(before.length).toBeGreaterThan(0);
  expect(new Set(before)).toEqual(new Set([0]));
  for (const [seconds, step] of [
    [60, -7_200],
    [60, 86_400 * 3],
    [60, -1.5],
  ] as const) {
    elapsed += seconds * 1_000;
    wall += seconds + step;
    for (const age of times()) expect(age).toBeCloseTo((elapsed - 1_000_000) / 1_000, 3);
  }
});

describe('a container that starts', () => {
  test('has a baseline once all that is known of it was read after its start, also if that is the same', () => {
    const found = subject({});
    const { findings } = assess(found);
    const { posture } = found;
    const see = () =>
      watch.observe(
        {
          cgroup,
          files: FILES,
          labels: NAMED,
          posture,
          postureReadAt: elapsed,
          init: { pid: 7, startTime: (BOOT + 1_000_000) / 1000 },
        } as unknown as Container,
        findings,
        LIMITS,
      );
    see();
    elapsed += STARTING_MS;
    see();
    expect(scrape(PRIVILEGED).length).toBeGreaterThan(0);
  });

  test('is not what is read of a container that is gone', () => {
    settle();
    const { findings } = assess(subject(PRIVILEGED));
    const { posture } = subject(PRIVILEGED);
    const files = { confirm() {}, gone: true };
    const init = { pid: 7, startTime: 0 };
    const container = { cgroup, files, labels: NAMED, posture, postureReadAt: elapsed, init } as unknown as Container;
    expect(watch.observe(container, findings, LIMITS)).toEqual([]);
    expect(scrape()).toEqual([]);
    expect(changes()).toEqual([]);
  });

  test('has no baseline while one of its processes may still be a runtime', () => {
    const old = { startTime: BOOT / 1000 };
    scrape({ ...old, posture: { pending: true } });
    expect(scrape({ ...PRIVILEGED, ...old })).toEqual([]);
    expect(scrape({ ...PRIVILEGED, ...old, limits: { swap: Infinity } })).toEqual(['swap_unlimited 1']);
  });

  test('is not worse for what it does meanwhile', () => {
    scrape();
    elapsed += STARTING_MS - 1;
    scrape(PRIVILEGED);
    // Mounts may be older than the scrape.
    elapsed += 10_000;
    scrape({ ...PRIVILEGED, readAt: elapsed - 10_001 });
    elapsed += 10_000;
    const late = { ...PRIVILEGED, mounts: { hostMounts: [mount('socket')] } };
    expect(scrape(late)).toEqual([]);
    expect(scrape({ ...late, limits: { swap: Infinity } })).toEqual(['swap_unlimited 1']);
  });

  test('has begun before the exporter: what it has at the first look counts', () => {
    const old = { startTime: BOOT / 1000 };
    expect(scrape({ ...PRIVILEGED, ...old })).toEqual([]);
    expect(scrape({ ...PRIVILEGED, ...old, limits: { swap: Infinity } })).toEqual(['swap_unlimited 1']);
  });

  test('again in its cgroup starts over', () => {
    settle();
    scrape(PRIVILEGED);
    const again = { ...PRIVILEGED, pid: 8, startTime: (BOOT + elapsed) / 1000 };
    expect(scrape(again)).toEqual([]);
    elapsed += STARTING_MS / 2;
    const mounts = { hostMounts: [mount('socket')] };
    expect(scrape({ ...again, mounts })).toEqual([]);
    elapsed += STARTING_MS;
    expect(scrape({ ...again, mounts })).toEqual([]);
    expect(scrape({ ...again, mounts, limits: { swap: Infinity } })).toEqual(['swap_unlimited 1']);
  });

  test('without a visible process is not compared', () => {
    settle();
    scrape({ limits: { swap: Infinity } });
    const gone = { cgroup, labels: NAMED, init: undefined, posture: undefined } as unknown as Container;
    expect(watch.observe(gone, [], LIMITS)).toHaveLength(1);
    expect(watch.observe({ ...gone, cgroup: newCgroup() }, [], LIMITS)).toEqual([]);
  });
});

describe('a finding that is accepted', () => {
  const etc = mount('plain', { hostPath: '/srv/b', mountPoint: '/b' });

  test('is expected', () => {
    settle();
    const accepted = ['stronger_process', 'takeover_capability', 'added_capability', 'capabilities_kept'];
    expect(scrape({ ...PRIVILEGED, accepted })).toEqual(['capabilities_kept 1']);
    // Also when the acceptance has ended.
    expect(scrape(PRIVILEGED)).toEqual(['capabilities_kept 1']);
  });

  test('can be accepted later', () => {
    settle();
    scrape({ limits: { pids: Infinity }, limited: { pids: false } });
    expect(scrape({ limited: { pids: false }, accepted: ['pids_unlimited'] })).toEqual([]);
  });

  test('is reported when there is more of it than was accepted', () => {
    const before = { mounts: { hostMounts: [mount('plain')] }, accepted: ['host_path_mounted'] };
    settle(before);
    expect(scrape({ ...before, mounts: { hostMounts: [mount('plain'), etc] } })).toEqual(['host_path_mounted 1']);
  });
});

describe('a container that changes all the time', () => {
  test('is counted each time, and logged once in ten minutes', () => {
    settle();
    for (let turn = 0; turn < 40; turn += 1) {
      scrape({ limits: { swap: Infinity } });
      elapsed += 15_000;
      scrape();
      elapsed += 15_000;
    }
    expect(scrape()).toEqual(['swap_unlimited 40']);
    // Minutes 0 and 10.
    expect(lines.map(({ untold }) => untold)).toEqual([undefined, 19]);
  });

  test('has no more series than there are findings, and short lines', () => {
    settle();
    for (let turn = 0; turn < 300; turn += 1) {
      const hostMounts = Array.from({ length: 300 }, (_, at) =>
        mount('plain', { hostPath: `/${turn}-${at}-${'x'.repeat(4000)}`, mountPoint: `/m/${turn}-${at}` }),
      );
      expect(scrape({ mounts: { hostMounts } })).toEqual([`host_path_mounted ${turn + 1}`]);
    }
    expect(JSON.stringify(lines).length).toBeLessThan(5000);
  });

  test('or many that do write no more than some lines in a minute', () => {
    const all = Array.from({ length: 100 }, newCgroup);
    for (const each of all) scrape({}, each);
    elapsed += STARTING_MS;
    for (const each of all) scrape({}, each);
    for (const each of all) expect(scrape({ limits: { swap: Infinity } }, each)).toEqual(['swap_unlimited 1']);
    expect(lines).toHaveLength(21);
    expect(lines.at(-1)).toEqual({ most: 20, msg: expect.stringContaining('than there are lines') });
    elapsed += 60_000;
    for (const each of all) scrape({ limits: { swap: Infinity, pids: Infinity }, limited: { pids: false } }, each);
    expect(lines.slice(21)).toHaveLength(21);
  });
});

test('whatever happens, only what is bad now and was not at the start is counted', () => {
  const states = fc.record({
    swap: fc.constantFrom(undefined, 1024, Infinity),
    net: fc.constantFrom(true, false),
    mounts: fc.constantFrom(undefined, [], [mount('socket')]),
  });
  fc.assert(
    fc.property(states, fc.array(states, { maxLength: 20 }), (first, later) => {
      cgroup = newCgroup();
      const seenIn = ({ swap, net, mounts }: typeof first): Seen => ({
        limits: { swap },
        shares: { net },
        mounts: { hostMounts: mounts },
        startTime: 0,
      });
      settle(seenIn(first));
      let told: readonly string[] = [];
      for (const each of later) told = scrape(seenIn(each));
      const names = told.map((text) => text.split(' ')[0]);
      const known = <T>(get: (state: typeof first) => T | undefined) =>
        [first, ...later].map(get).filter((value) => value !== undefined);
      const [swap, ...swaps] = known((state) => state.swap);
      expect(names.includes('swap_unlimited')).toBe(swap !== Infinity && swaps.includes(Infinity));
      const [mounts, ...tables] = known((state) => state.mounts);
      expect(names.includes('engine_socket')).toBe(mounts?.length === 0 && tables.some(({ length }) => length > 0));
      expect(names.includes('host_network_namespace')).toBe(!first.net && later.some(({ net }) => net));
    }),
    { numRuns: 200 },
  );
});
