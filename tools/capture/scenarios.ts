import { LAB_IMAGE } from '../../test/lab/docker.ts';
import type { Docker } from '../../test/lab/docker.ts';
import { succeed } from '../../test/lab/machine.ts';

/** A started container and what it demonstrates. */
export interface Scenario {
  readonly id: string;
  readonly note: string;
  /** Absent for a container of Docker's. */
  readonly cgroup?: string;
}

/** The most extreme name that Docker accepts: 120 characters with every allowed punctuation mark. */
const HOSTILE_NAME = `0.-_${'x'.repeat(110)}..-__-`;

/** A program name that looks like the end of its own field in `/proc/<pid>/stat`, and arguments with a newline. */
const HOSTILE_SCRIPT = `printf ') R 1 (\\n' > /proc/self/comm; while :; do sleep 1000; done # "\\ \n{}`;

/** Starts one container for each scenario, and waits until the kernel's counters show it. */
export async function runScenarios(docker: Docker): Promise<Scenario[]> {
  const start = (name: string, flags: string, ...command: readonly string[]) =>
    docker.run('--name', name, ...flags.split(' '), LAB_IMAGE, ...command);
  const busy = await start(
    'web',
    '--network none --memory 64m --cpus 0.5 --pids-limit 20 --cpuset-cpus 0 --read-only --cap-drop ALL ' +
      '--security-opt no-new-privileges',
    'sh',
    '-c',
    'while :; do :; done',
  );
  const oom = await start(
    'leaky',
    '--network none --memory 16m --memory-swap 16m',
    'sh',
    '-c',
    'tail /dev/zero; sleep 1000000',
  );
  const shared = await start('node-agent', '--pid host --network host');
  const hostile = await start(
    HOSTILE_NAME,
    '--network none --user 1000:1000 --memory 32m --memory-reservation 16m',
    'sh',
    '-c',
    HOSTILE_SCRIPT,
  );
  const runner = await start(
    'ci-runner',
    `--network none --cap-add SYS_ADMIN --security-opt seccomp=unconfined -v ${docker.socket}:/var/run/docker.sock`,
  );
  await waitForEvents(docker, busy, oom);
  return [
    {
      id: busy,
      note: '`web`: 64 MiB, half a CPU and throttled, 20 tasks, CPU 0 only, hardened (no capabilities, read-only)',
    },
    { id: oom, note: '`leaky`: 16 MiB, one child killed by the OOM killer, the container lives on' },
    { id: shared, note: '`node-agent`: no limits, pid and network namespaces of the host' },
    { id: runner, note: '`ci-runner`: the socket of Docker, SYS_ADMIN, no seccomp filter' },
    { id: hostile, note: `\`${HOSTILE_NAME}\`: a hostile name, comm and command line; uid 1000, soft limit 16 MiB` },
  ];
}

/** The file names differ on v1; uses the existing one. */
async function waitForEvents(docker: Docker, busy: string, oom: string): Promise<void> {
  const file = (controller: string, id: string, name: string) =>
    `/sys/fs/cgroup/${controller}${docker.cgroupOf(id)}/${name} /sys/fs/cgroup${docker.cgroupOf(id)}/${name}`;
  const script = `
    until grep -qs '^nr_throttled [1-9]' ${file('cpu', busy, 'cpu.stat')}; do sleep 0.5; done
    until grep -qs '^oom_kill [1-9]' ${file('memory', oom, 'memory.oom_control')} ${file('memory', oom, 'memory.events')}
    do sleep 0.5; done`;
  await succeed(docker.machine, script, { timeoutMs: 30_000 * docker.machine.slowness });
}
