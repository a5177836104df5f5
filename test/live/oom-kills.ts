import { type Docker, LAB_IMAGE } from '../lab/docker.ts';
import type { Exporter, Samples } from '../lab/exporter.ts';
import { eventually, type Machine, quote, succeed } from '../lab/machine.ts';

/** The number of kills of each kind. */
export interface Plan {
  /** Containers whose only process is killed. */
  readonly mains: number;
  /** Children killed one after the other in one container, which keeps running. */
  readonly children: number;
  /** Containers that are removed at once (`--rm`). */
  readonly brief: number;
  /** How many times one container is killed and started again. */
  readonly restarts: number;
  /** Pairs of containers that are killed at the same time. */
  readonly pairs: number;
  /** Kills in a cgroup inside a container's. */
  readonly nested: number;
  /** Kills by the limit of the parent cgroup, in a container without a limit of its own. */
  readonly byParent: number;
}

/** The expected kills by container name. */
export type Expected = ReadonlyMap<string, number>;

const LIMITED = ['--network', 'none', '--memory', '8m', '--memory-swap', '8m'];
/** Allocates memory until it is killed. */
const EAT = 'tail /dev/zero';

/** The top of the memory hierarchy on either version of cgroups. */
const MEMORY_ROOT = '$(if [ -d /sys/fs/cgroup/memory ]; then echo /sys/fs/cgroup/memory; else echo /sys/fs/cgroup; fi)';

/** Causes real kills in containers named `<prefix>…`, one kind after the other, and returns the expected counts. */
export async function killAll(docker: Docker, prefix: string, plan: Partial<Plan>): Promise<Expected> {
  const { mains = 0, children = 0, brief = 0, restarts = 0, pairs = 0, nested = 0, byParent = 0 } = plan;
  const { machine, client } = docker;
  const expected = new Map<string, number>();
  const run = (script: string) => succeed(machine, script, { timeoutMs: 600_000 * machine.slowness });
  const eater = (name: string, ...flags: string[]) =>
    `${client} run ${quote('--name', name, ...LIMITED, ...flags, LAB_IMAGE)} ${EAT} >/dev/null`;
  const names = (way: string, count: number, kills: number): string[] => {
    const made = Array.from({ length: count }, (_, index) => `${prefix}${way}-${index}`);
    for (const name of made) expected.set(name, kills);
    return made;
  };

  for (const name of names('main', mains, 1)) await run(`! ${eater(name)}`);
  for (const name of names('brief', brief, 1)) await run(`! ${eater(name, '--rm')}`);
  for (const index of Array(pairs).keys()) {
    const both = names(`pair${index}`, 2, 1);
    await run(`${both.map((name) => `${eater(name)} & `).join('')} wait`);
  }
  for (const name of names('loop', restarts > 0 ? 1 : 0, restarts + 1)) {
    await run(eater(name, '-d', '--restart', `on-failure:${restarts}`));
    const count = `${client} inspect -f '{{.RestartCount}} {{.State.Running}}' ${name}`;
    await run(`until [ "$(${count})" = "${restarts} false" ]; do sleep 0.2; done`);
  }
  for (const name of names('children', children > 0 ? 1 : 0, children)) {
    const loop = `i=0; while [ $i -lt ${children} ]; do ${EAT}; i=$((i+1)); done; echo done; sleep 1000000`;
    await docker.run('--name', name, ...LIMITED, LAB_IMAGE, 'sh', '-c', loop);
    await run(`until ${client} logs ${name} | grep -q done; do sleep 0.2; done`);
  }
  for (const name of names('nested', nested > 0 ? 1 : 0, nested)) {
    const id = await docker.run('--name', name, '--network', 'none', LAB_IMAGE);
    await run(nestedKills(docker.cgroupOf(id), nested));
  }
  for (const name of names('below', byParent > 0 ? 1 : 0, byParent)) {
    const parent = `${prefix}parent`;
    await run(`set -e; cgroup=${MEMORY_ROOT}/${parent}; mkdir $cgroup; cd $cgroup
      if [ -e memory.max ]; then echo 32M > memory.max; else echo 32M > memory.limit_in_bytes; fi`);
    const loop = `i=0; while [ $i -lt ${byParent} ]; do ${EAT}; i=$((i+1)); done; echo done; sleep 1000000`;
    const flags = ['--name', name, '--network', 'none', '--cgroup-parent', `/${parent}`];
    await docker.run(...flags, LAB_IMAGE, 'sh', '-c', loop);
    await run(`until ${client} logs ${name} | grep -q done; do sleep 0.2; done`);
  }
  return expected;
}

/**
 * On v2 a cgroup that enables memory control for its children may hold no processes, so the container's processes move
 * down first.
 */
export function nestedKills(cgroup: string, count: number): string {
  return `set -e
    cd ${MEMORY_ROOT}${cgroup}
    if [ -e memory.max ]; then
      mkdir init
      for pid in $(cat cgroup.procs); do echo $pid > init/cgroup.procs; done
      echo +memory > cgroup.subtree_control
    fi
    mkdir inner
    if [ -e memory.max ]; then
      echo 1M > inner/memory.max; echo 0 > inner/memory.swap.max 2>/dev/null || true
    else
      echo 1M > inner/memory.limit_in_bytes
    fi
    for i in $(seq ${count}); do
      /bin/busybox sh -c 'echo $$ > inner/cgroup.procs; exec /bin/busybox tail /dev/zero' || true
    done`;
}

/**
 * Checks in each scrape that the kills of containers and the unattributed kills add up to the host's total, and that no
 * counter decreases.
 */
export class Auditor implements AsyncDisposable {
  readonly problems: string[] = [];
  scrapes = 0;
  readonly #scrape: () => Promise<Samples>;
  readonly #highest = new Map<string, number>();
  #stopped = false;
  readonly #ended: Promise<void>;

  constructor(scrape: () => Promise<Samples>) {
    this.#scrape = scrape;
    this.#ended = this.#run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    await this.#ended;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      try {
        this.#check(await this.#scrape());
        this.scrapes += 1;
      } catch (error) {
        this.problems.push(String(error));
      }
      await new Promise((resolve) => {
        setTimeout(resolve, 200);
      });
    }
  }

  #check(samples: Samples): void {
    const host = samples.value('isolation_host_oom_kills_total') ?? NaN;
    const others = samples.value('isolation_oom_kills_unattributed_total') ?? NaN;
    const kills = samples.all.filter(({ name }) => name === 'isolation_container_oom_kills_total');
    const sum = kills.reduce((total, { value }) => total + value, 0);
    if (host - sum !== others) this.problems.push(`${host} on the host, ${sum} in containers, ${others} others`);
    for (const { labels, value } of [
      ...kills,
      { labels: { of: 'host' }, value: host },
      { labels: {}, value: others },
    ]) {
      const series = JSON.stringify(labels);
      if (value < (this.#highest.get(series) ?? 0)) this.problems.push(`${series} fell to ${value}`);
      this.#highest.set(series, value);
    }
  }
}

/** Waits until the exporter has counted all kills, and returns its counts for the containers with expected kills. */
export async function killsOf(exporter: Exporter, machine: Machine, expected: Expected): Promise<Map<string, number>> {
  const sum = (counts: Expected) => [...counts.values()].reduce((total, kills) => total + kills, 0);
  const read = async (): Promise<Map<string, number>> => {
    const samples = await exporter.scrape();
    return new Map(
      [...expected.keys()].map((container) => [
        container,
        samples.value('isolation_container_oom_kills_total', { container }) ?? 0,
      ]),
    );
  };
  let last = new Map<string, number>();
  const wait = eventually(
    'all kills are counted',
    async () => {
      last = await read();
      return sum(last) >= sum(expected) ? last : undefined;
    },
    { timeoutMs: 20_000 * machine.slowness, everyMs: 300 },
  );
  return wait.catch(() => last);
}

/** The host's own count of kills since boot. */
export async function hostKills(machine: Machine): Promise<number> {
  return Number(await succeed(machine, `awk '$1 == "oom_kill" { print $2 }' /proc/vmstat`));
}
