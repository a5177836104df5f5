import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { FixtureTree } from './fixture-tree.ts';
import { distributionsRelease, usualMounts, usualSockets } from './redact.ts';

/** The files of a process. Never `environ`: it contains secrets. */
const PROCESS_FILES =
  'status stat cgroup cmdline comm mountinfo uid_map oom_score_adj net/dev attr/current limits'.split(' ');

/** The files that show which privileges the parent of a container could have granted. */
const PARENT_FILES = ['status', 'limits'];

/** What tells a container's name, if its parent is Podman's monitor. */
const MONITOR_FILES = ['cgroup', 'cmdline', 'exe'];

/** All links in `ns/`. */
const NAMESPACE_LINKS = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'time', 'user', 'uts'].map((kind) => `ns/${kind}`);

const HOST_FILES = [
  ...'stat uptime vmstat meminfo diskstats cgroups pressure/cpu pressure/io pressure/memory'.split(' '),
  ...'sys/kernel/random/boot_id sys/kernel/cap_last_cap sys/net/core/dev_weight'.split(' '),
  'sys/user/max_user_namespaces',
];

/** Copies the files in `/proc` of the host, of its first processes, of this one and of the given ones. */
export function captureProcesses(pids: readonly number[], tree: FixtureTree): void {
  for (const name of HOST_FILES) tree.copy(`/proc/${name}`, `proc/${name}`);
  tree.copy('/proc/sys/kernel/osrelease', 'proc/sys/kernel/osrelease', distributionsRelease);
  // `self` is a link. In the fixture it is the capturing process, which is one of the host's.
  for (const pid of ['1', '2', 'self']) {
    for (const name of ['status', ...NAMESPACE_LINKS]) {
      tree.copy(`/proc/${pid}/${name}`, `proc/${pid}/${name}`, nameless);
    }
  }
  for (const pid of ['1', '2']) {
    for (const name of ['comm', 'stat']) tree.copy(`/proc/${pid}/${name}`, `proc/${pid}/${name}`, nameless);
  }
  for (const pid of ['1', 'self']) tree.copy('/proc/self/mountinfo', `proc/${pid}/mountinfo`, usualMounts);
  // Only listening sockets of engines; everything else is private to the machine.
  tree.copy('/proc/1/net/unix', 'proc/1/net/unix', usualSockets);
  for (const pid of new Set(pids)) {
    if (!existsSync(`/proc/${pid}`)) continue;
    for (const name of [...PROCESS_FILES, ...NAMESPACE_LINKS]) tree.copy(`/proc/${pid}/${name}`, `proc/${pid}/${name}`);
    copyDeviceNames(pid, tree);
    const parent = /^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    if (parent === undefined || parent === '0' || pids.includes(Number(parent))) continue;
    const isMonitor = readFileSync(`/proc/${parent}/comm`, 'utf8') === 'conmon\n';
    for (const name of isMonitor ? [...PARENT_FILES, ...MONITOR_FILES] : PARENT_FILES)
      tree.copy(`/proc/${parent}/${name}`, `proc/${parent}/${name}`, nameless);
  }
}

/** A tree of plain files cannot contain device nodes, so a capture requires that there are none except terminals. */
function copyDeviceNames(pid: number, tree: FixtureTree): void {
  const entries = readdirSync(`/proc/${pid}/root/dev`, { withFileTypes: true });
  if (entries.some((entry) => entry.isBlockDevice()))
    throw new Error(`A fixture cannot hold the block devices of ${pid}`);
  for (const entry of entries) if (entry.isCharacterDevice()) tree.write(`proc/${pid}/root/dev/${entry.name}`, '');
}

/** The program of PID 1 is only recorded if it is a common one. */
function nameless(text: string): string {
  const name = readFileSync('/proc/1/comm', 'utf8').trim();
  return name === 'systemd' ? text : text.replaceAll(name, 'init');
}
