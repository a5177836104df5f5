import { existsSync, readFileSync } from 'node:fs';
import type { FixtureTree } from './fixture-tree.ts';
import { distributionsRelease, usualMounts } from './redact.ts';

/** Of a process, `environ` never: it holds secrets. */
const PROCESS_FILES = 'status stat cgroup cmdline comm mountinfo uid_map oom_score_adj net/dev attr/current'.split(' ');

/** Everything that `readlink` can be asked for in `ns/`. */
const NAMESPACE_LINKS = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'time', 'user', 'uts'].map((kind) => `ns/${kind}`);

const HOST_FILES = [
  ...'stat vmstat meminfo diskstats cgroups pressure/cpu pressure/io pressure/memory'.split(' '),
  ...'sys/kernel/random/boot_id sys/kernel/cap_last_cap sys/net/core/dev_weight'.split(' '),
  'sys/user/max_user_namespaces',
];

/** Copies what `/proc` says of the host, of its first processes and of this one, and of the given ones. */
export function captureProcesses(pids: readonly number[], tree: FixtureTree): void {
  for (const name of HOST_FILES) tree.copy(`/proc/${name}`, `proc/${name}`);
  tree.copy('/proc/sys/kernel/osrelease', 'proc/sys/kernel/osrelease', distributionsRelease);
  // `self` is a link; in the fixture it is whatever process captures it: one of the host.
  for (const pid of ['1', '2', 'self']) {
    for (const name of ['status', ...NAMESPACE_LINKS]) {
      tree.copy(`/proc/${pid}/${name}`, `proc/${pid}/${name}`, nameless);
    }
  }
  for (const pid of ['1', '2']) {
    for (const name of ['comm', 'stat']) tree.copy(`/proc/${pid}/${name}`, `proc/${pid}/${name}`, nameless);
  }
  for (const pid of ['1', 'self']) tree.copy('/proc/self/mountinfo', `proc/${pid}/mountinfo`, usualMounts);
  for (const pid of new Set(pids)) {
    if (!existsSync(`/proc/${pid}`)) continue;
    for (const name of [...PROCESS_FILES, ...NAMESPACE_LINKS]) tree.copy(`/proc/${pid}/${name}`, `proc/${pid}/${name}`);
  }
}

/** What runs as PID 1 is told only where everybody has it. */
function nameless(text: string): string {
  const name = readFileSync('/proc/1/comm', 'utf8').trim();
  return name === 'systemd' ? text : text.replaceAll(name, 'init');
}
