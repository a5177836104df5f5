import { type Background, type Machine, succeed } from '../lab/machine.ts';

/** Bash functions that create cgroups by hand, in all hierarchies of a machine. */
const FUNCTIONS = `
hierarchy() { if [ -e /sys/fs/cgroup/cgroup.controllers ]; then echo /sys/fs/cgroup; else echo "/sys/fs/cgroup/$1"; fi; }
# Makes the cgroup at a path, with the controllers.
make() {
  local controller name path
  for controller in cpu cpuacct memory pids; do
    path=$(hierarchy $controller)
    for name in \${1//\\// }; do
      if [ -e /sys/fs/cgroup/cgroup.controllers ]; then echo '+cpu +memory +pids' > "$path/cgroup.subtree_control"; fi
      path+=/$name
      mkdir -p "$path"
    done
  done
}
# Limits the cgroup at a path: memory in bytes, cpu in microseconds of 100 ms, pids.
limit() {
  local at
  at=$(hierarchy "$2")/$1
  case "$2" in
    memory) if [ -e "$at/memory.max" ]; then echo "$3" > "$at/memory.max"; else echo "$3" > "$at/memory.limit_in_bytes"; fi ;;
    cpu) if [ -e "$at/cpu.max" ]; then echo "$3 100000" > "$at/cpu.max"; else echo "$3" > "$at/cpu.cfs_quota_us"; fi ;;
    pids) echo "$3" > "$at/pids.max" ;;
  esac
}
# Moves this shell into the cgroup at a path.
enter() {
  local controller lists=()
  # Nothing may fork any more once the shell is below a PIDs limit.
  for controller in cpu cpuacct memory pids; do lists+=("$(hierarchy $controller)/$1/cgroup.procs"); done
  for controller in "\${lists[@]}"; do echo $BASHPID > "$controller"; done
}
`;

/** Runs a script that creates cgroups with `make` and limits them with `limit`. */
export async function makeCgroups(machine: Machine, script: string): Promise<void> {
  await succeed(machine, `set -e\n${FUNCTIONS}\n${script}`);
}

/** Runs a script in the cgroup at a path. */
export function runIn(machine: Machine, path: string, script: string): Promise<Background> {
  return machine.start(`set -e\n${FUNCTIONS}\nenter ${path}\n${script}`);
}

/** The number after a key in a file of the cgroup at a path, or the only number in the file. `undefined` if there is none. */
export async function kernelValue(
  machine: Machine,
  controller: string,
  file: string,
  key = '',
): Promise<number | undefined> {
  const value = await succeed(
    machine,
    `${FUNCTIONS}\nsed -n 's/^${key}${key === '' ? '' : ' '}\\([0-9]*\\)$/\\1/p' "$(hierarchy ${controller})/${file}" 2>/dev/null || true`,
  );
  return value === '' ? undefined : Number(value);
}
