import { type Machine, succeed } from '../../test/lab/machine.ts';
import { MAKE_ROOT, slowly } from '../../test/live/forky-engines.ts';
import type { Scenario } from './scenarios.ts';

const LOOP = "/bin/sh -c 'while :; do :; done'";

/** Starts containers of Podman under crun, which puts their processes into a cgroup inside the container's. */
export async function runPodmanScenarios(machine: Machine): Promise<readonly Scenario[]> {
  const run = (name: string, flags: string, command: string) =>
    slowly(machine, `podman run -d --runtime crun --name ${name} --network none ${flags} lab:1 ${command}`);
  await slowly(machine, `${MAKE_ROOT('/root/lab.tar')}\npodman import -q /root/lab.tar lab:1`);
  const busy = await run('worker', '-m 64m --memory-swap 64m --cpus 0.5 --pids-limit 50 --cap-drop ALL', LOOP);
  const mapped = await run('mapped', '--uidmap 0:100000:65536 --gidmap 0:100000:65536', '/bin/sleep 1000000');
  await succeed(
    machine,
    // As an update of Podman does. A fixture cannot hold a program of its own for the monitors.
    `cp /usr/bin/conmon /usr/bin/conmon.new && mv /usr/bin/conmon.new /usr/bin/conmon
    until grep -q '^nr_throttled [1-9]' ${cgroupfs(busy)}/cpu.stat; do sleep 1; done`,
    { timeoutMs: 1_200_000 },
  );
  return [
    { id: busy, cgroup: scope(busy), note: '`worker`: Podman, 64 MiB and no swap, half a CPU and throttled, 50 tasks' },
    { id: mapped, cgroup: scope(mapped), note: '`mapped`: Podman, no limits, a user namespace of its own' },
  ];
}

const scope = (id: string): string => `/machine.slice/libpod-${id}.scope`;
const cgroupfs = (id: string): string => `/sys/fs/cgroup${scope(id)}`;
