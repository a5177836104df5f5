import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { shortId } from '../../src/containers/labels.ts';
import { type Docker, LAB_IMAGE, startDocker } from '../lab/docker.ts';
import { type Exporter, startExporter } from '../lab/exporter.ts';
import { host } from '../lab/host.ts';
import { describeLive, describeLong, sharedGuest } from '../lab/live.ts';
import { type Background, type Machine, succeed } from '../lab/machine.ts';
import { removeCgroups } from '../lab/remains.ts';
import { untilComplete, untilShown, within, words } from './docker-containers.ts';
import { kernelValue, makeCgroups, runIn } from './limit-tree.ts';
import { type Prometheus, startConfiguredPrometheus } from './prometheus.ts';

// The time-outs inside come first: they say what was waited for.
vi.setConfig({ testTimeout: 3_600_000, hookTimeout: 3_600_000 });

describeLive('limits of a cgroup above containers of Docker on this host', ['docker', 'prometheus'], () =>
  suite(() => Promise.resolve(host)),
);
describeLong('limits of a cgroup above containers of Docker on cgroup v2', ['docker', 'prometheus', 'guest'], () =>
  suite(() => sharedGuest('plain')),
);
describeLong(
  'limits of a cgroup above containers of Docker on cgroup v2 of Linux 6.12',
  ['docker', 'prometheus', 'guest-newer'],
  () => suite(() => sharedGuest('newer')),
);

const RULES = readFileSync(new URL('../../deploy/prometheus/alerts.yml', import.meta.url), 'utf8');

/** The limit, and what each of the two containers keeps: 92 % of it, with room for all else that the kernel cannot drop. */
const LIMIT_MIB = 200;
const KEPT_MIB = 92;

/** Keeps memory, and waits until the limits are set. */
const KEEP = `dd if=/dev/zero of=/dev/shm/kept bs=1048576 count=${KEPT_MIB}; until [ -e /dev/shm/go ]; do sleep 1; done`;

/** What the containers do below their limits. A shell that cannot fork ends: there is room for one that nobody else takes. */
const LOADS = {
  left: `${KEEP}
    while :; do
      (for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 2 & done; wait)
      dd if=/dev/zero of=/cache bs=1048576 count=24
      sleep 1
    done`,
  right: `${KEEP}; while :; do :; done`,
} as const;

/** An alert in the answer of Prometheus' API. */
interface Alert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly state: string;
}

const MIB = 1024 * 1024;
const POD = 'pod12345678-1234-1234-1234-123456789abc';
const [bestEffort, burstable] = ['c', 'd'].map((digit) => digit.repeat(64)) as [string, string];

function suite(findMachine: () => Promise<Machine>): void {
  const parent = `isolation-exporter-alerts-${process.pid}`;
  const kubepods = `${parent}-pods/kubepods`;
  const pods: Background[] = [];
  let machine: Machine;
  let docker: Docker;
  let exporter: Exporter;
  let prometheus: Prometheus;

  beforeAll(async () => {
    machine = await findMachine();
    docker = await startDocker(machine);
    for (const [name, load] of Object.entries(LOADS)) {
      const flags = words(`--name ${name} --network none --shm-size 256m --cgroup-parent=/${parent}`);
      await docker.run(...flags, LAB_IMAGE, 'sh', '-c', load);
    }
    const kept = async (name: string) => (await docker.cli('exec', name, 'ls', '/dev/shm')) === 'kept';
    await within(machine, 'the load', async () => (await kept('left')) && kept('right'));
    for (const name of ['left', 'right']) await docker.cli('exec', name, 'mkdir', '/dev/shm/go');
    await makeCgroups(
      machine,
      `limit ${parent} memory ${LIMIT_MIB * MIB}; limit ${parent} cpu 10000; limit ${parent} pids 8
      make ${kubepods}/besteffort/${POD}/${bestEffort}; make ${kubepods}/burstable/${POD}/${burstable}
      limit ${kubepods} memory ${512 * MIB}; limit ${kubepods} cpu 100000; limit ${kubepods} pids 1000
      limit ${kubepods}/burstable/${POD} memory ${128 * MIB}; limit ${kubepods}/burstable/${POD} cpu 50000
      limit ${kubepods}/burstable/${POD} pids 100`,
    );
    for (const path of [`besteffort/${POD}/${bestEffort}`, `burstable/${POD}/${burstable}`]) {
      pods.push(await runIn(machine, `${kubepods}/${path}`, 'exec sleep 100000'));
    }
    exporter = await startExporter(machine, { flags: [`--docker.host=unix://${docker.socket}`] });
    await untilComplete(machine, exporter, ['left', 'right']);
    await untilShown(machine, exporter, [bestEffort, burstable]);
    const interval = machine === host ? '2s' : '15s';
    prometheus = await startConfiguredPrometheus(machine, {
      // Nobody waits for a quarter of an hour here, or for 300 periods; all else is as shipped.
      'alerts.yml': RULES.replaceAll(/^( +)for: \w+$/gm, '$1for: 0s').replaceAll('> 300 and', '> 30 and'),
      'prometheus.yml': `{ global: { scrape_interval: ${interval}, evaluation_interval: ${interval} }, rule_files: [alerts.yml], scrape_configs: [{ job_name: isolation-exporter, static_configs: [{ targets: ['${exporter.address}'] }] }] }`,
    });
  });
  afterAll(async () => {
    await prometheus?.[Symbol.asyncDispose]();
    await exporter?.[Symbol.asyncDispose]();
    for (const pod of pods) await pod.stop();
    await docker?.[Symbol.asyncDispose]();
    if (machine === undefined) return;
    await removeCgroups(machine, parent);
    await removeCgroups(machine, `${parent}-pods`);
  });

  test.each(['CPUThrottlingHigh', 'PidsLimitHit', 'MemoryNearLimit', 'MemoryLimitHit'])(
    'IsolationContainer%s fires and names the cgroup',
    async (name) => {
      const firing = async (container: string) => {
        const { alerts } = (await prometheus.ask('alerts')) as { readonly alerts: readonly Alert[] };
        return alerts.find(
          ({ labels, state }) =>
            state === 'firing' &&
            labels['alertname'] === `IsolationContainer${name}` &&
            labels['container'] === container,
        );
      };
      await within(machine, 'the alert', async () => (await firing('left')) !== undefined, 120_000);
      const alert = await firing('left');
      expect(alert?.labels).toMatchObject({ scope: 'shared', cgroup: `/${parent}` });
      expect(alert?.annotations['description']).toContain(`cgroup /${parent} (shared)`);
    },
  );

  test.each(['Memory', 'CPU', 'Pids'])(
    'of %s that strangers share is a missing one, of a pod is none',
    async (what) => {
      const firing = `ALERTS{alertstate="firing",alertname="IsolationContainer${what}LimitMissing"}`;
      const [strangers, pod] = [[shortId(bestEffort), 'left', 'right'], shortId(burstable)];
      const missing = async () => {
        const names = (await prometheus.labels(firing)).map(({ container = '' }) => container);
        // Others on this machine have containers, too.
        return names.filter((name) => [...strangers, pod].includes(name)).toSorted();
      };
      await within(machine, 'the alerts', async () => (await missing()).length >= strangers.length);
      expect(await missing()).toEqual(strangers.toSorted());
    },
  );

  test('the numbers are those of the limiting cgroup, and none are of the container', async () => {
    // Nothing counts while they stand still. On cgroup v1 runc gives up within moments, and a throttled process freezes
    // only when it runs again.
    for (const name of ['left', 'right']) {
      await within(machine, `${name} paused`, async () => (await docker.cli('pause', name)) === name);
    }
    // The period that has begun still ends.
    await succeed(machine, 'sleep 1');
    try {
      const samples = await exporter.scrape();
      const of = { container: 'left', scope: 'shared', cgroup: `/${parent}` };
      const value = (name: string, more: Readonly<Record<string, string>> = {}) =>
        samples.value(`isolation_container_limiter_${name}`, { ...of, ...more });
      const kernel = (controller: string, file: string, key?: string) =>
        kernelValue(machine, controller, `${parent}/${file}`, key);
      const isV1 = (await kernel('memory', 'memory.failcnt')) !== undefined;
      const throttled = isV1
        ? ((await kernel('cpu', 'cpu.stat', 'throttled_time')) ?? NaN) / 1e9
        : ((await kernel('cpu', 'cpu.stat', 'throttled_usec')) ?? NaN) / 1e6;
      const hits = isV1
        ? await kernel('memory', 'memory.failcnt')
        : await kernel('memory', 'memory.events.local', 'max');
      expect({
        periods: value('cpu_periods_total'),
        throttledPeriods: value('cpu_throttled_periods_total'),
        throttled: value('cpu_throttled_seconds_total'),
        hits: value('memory_events_total', { event: 'max' }),
        usage: value('memory_usage_bytes'),
        pids: value('pids'),
      }).toEqual({
        periods: await kernel('cpu', 'cpu.stat', 'nr_periods'),
        throttledPeriods: await kernel('cpu', 'cpu.stat', 'nr_throttled'),
        throttled,
        hits,
        usage: await kernel('memory', isV1 ? 'memory.usage_in_bytes' : 'memory.current'),
        pids: await kernel('pids', 'pids.current'),
      });
      expect([value('memory_limit_bytes'), value('cpu_limit_cores'), value('pids_limit')]).toEqual([
        LIMIT_MIB * MIB,
        0.1,
        8,
      ]);
      const own = [
        'cpu_throttled_periods_total',
        'memory_events_total',
        'pids_limit_hits_total',
        'memory_own_limit_bytes',
      ];
      expect(own.map((name) => samples.value(`isolation_container_${name}`, { container: 'left' }))).toEqual(
        own.map(() => undefined),
      );
    } finally {
      for (const name of ['left', 'right']) await docker.cli('unpause', name);
    }
  });
}
