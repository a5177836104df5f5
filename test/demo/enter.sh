# Runs in the namespaces of a container to be, as the host's root: joins its cgroup, gives it a root directory with
# nothing but the host's programs in it, to read, and becomes its first process. What it is told, in the environment:
#   CGROUPS       the files to write to, to be in the cgroup
#   ROOT          an empty directory of the host's
#   NAME          the host name; empty to leave it
#   CAPABILITIES  for setpriv --bounding-set
#   UNSHARE       more options for unshare, for namespaces that are entered last
#   HARDENED      empty, or the uid that the first process is to be in a user namespace
#   SECCOMP       a program that puts a filter on and runs its arguments; empty to do without
#   COMMAND       what to run, for sh
set -eu

for procs in $CGROUPS; do echo 0 > "$procs"; done
if [ -n "$NAME" ]; then hostname "$NAME" 2> /dev/null || echo "$NAME" > /proc/sys/kernel/hostname; fi

mount -t tmpfs -o mode=755,size=1m tmpfs "$ROOT"
cd "$ROOT"
mkdir proc dev tmp
chmod 1777 tmp
# What programs are run from; a link in / (such as /bin to /usr/bin) is a link here.
for name in usr bin sbin lib lib32 lib64 libx32 nix gnu; do
  if [ -L "/$name" ]; then
    ln -s "$(readlink "/$name")" "$name"
  elif [ -d "/$name" ]; then
    mkdir "$name"
    mount --bind "/$name" "$name"
    mount -o remount,bind,ro "$name"
  fi
done
for name in null zero full random urandom; do
  : > "dev/$name"
  mount --bind "/dev/$name" "dev/$name"
done
if [ -n "$SECCOMP" ]; then
  cp "$SECCOMP" seccomp
  chmod 644 seccomp
fi

mount -t proc -o nosuid,nodev,noexec proc proc
if [ -n "$CAPABILITIES" ]; then
  # As engines do: what would tell of the host, and what would change it.
  for name in kcore keys timer_list; do
    if [ -e "proc/$name" ]; then mount --bind /dev/null "proc/$name"; fi
  done
  for name in acpi scsi; do
    if [ -d "proc/$name" ]; then mount -t tmpfs -o ro tmpfs "proc/$name"; fi
  done
  for name in bus fs irq sys sysrq-trigger; do
    if [ -e "proc/$name" ]; then
      mount --bind "proc/$name" "proc/$name"
      mount -o remount,bind,ro "proc/$name"
    fi
  done
fi
if [ -n "$HARDENED" ]; then mount -o remount,ro,nosuid,nodev .; fi

# The old root goes from sight. It cannot be put elsewhere where it is the kernel's first one (an initramfs).
if pivot_root . . 2> /dev/null; then umount -l .; else mount --move . /; fi

become='
if [ -n "$HARDENED" ]; then
  # Who made this user namespace writes it from outside.
  until read -r _ < /proc/self/uid_map && read -r _ < /proc/self/gid_map; do sleep 0.05; done
  set -- --reuid "$HARDENED" --regid "$HARDENED" --clear-groups --ambient-caps=-all --no-new-privs
fi
if [ -n "$CAPABILITIES" ]; then set -- "$@" --inh-caps=-all --bounding-set "$CAPABILITIES"; fi
# Another user has no such signal until it is asked for again.
if [ $# -gt 0 ]; then set -- setpriv --pdeathsig KILL "$@"; fi
set -- "$@" env -i PATH="$PATH" sh -c "$COMMAND"
if [ -n "$SECCOMP" ]; then set -- perl /seccomp "$@"; fi
exec "$@"'
if [ -n "$UNSHARE" ]; then set -- unshare $UNSHARE; else set --; fi
exec chroot . "$@" sh -c "$become"
