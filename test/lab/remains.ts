import { type Machine, quote, succeed } from './machine.ts';

/** Ends all processes in cgroups with a name, in every hierarchy and at any depth, and removes these cgroups. */
export async function removeCgroups(machine: Machine, name: string): Promise<void> {
  await succeed(
    machine,
    `for attempt in $(seq 100); do
      left=$(find /sys/fs/cgroup -depth -type d \\( -path ${quote(`*/${name}`)} -o -path ${quote(`*/${name}/*`)} \\) 2>/dev/null)
      if [ -z "$left" ]; then exit 0; fi
      for cgroup in $left; do
        # A process that ends at this moment is 0, to which a signal means the own process group.
        kill -KILL $(grep -vx 0 "$cgroup/cgroup.procs" 2>/dev/null) 2>/dev/null
        rmdir "$cgroup" 2>/dev/null
      done
      sleep 0.1
    done
    echo "left: $left" >&2
    exit 1`,
    { timeoutMs: 60_000 * machine.slowness },
  );
}

/** Ends programs whose command line contains a path in a directory, unmounts everything in the directory, and removes it. */
export async function removeDirectory(machine: Machine, directory: string): Promise<void> {
  await succeed(
    machine,
    // The brackets and the trailing slash keep grep and this script from finding themselves.
    `directory=${directory}
    for attempt in $(seq 100); do
      left=$(grep -lsa -- "[/]\${directory#/}/" /proc/[0-9]*/cmdline | cut -d/ -f3)
      if [ -z "$left" ]; then break; fi
      kill -KILL $left 2>/dev/null
      sleep 0.1
    done
    for mount in $(awk -v d="$directory/" 'index($5, d) == 1 { print $5 }' /proc/self/mountinfo | tac); do
      umount -l "$mount"
    done
    rm -rf "$directory"`,
    { timeoutMs: 60_000 * machine.slowness },
  );
}
