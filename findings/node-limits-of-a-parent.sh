#!/usr/bin/env bash
# Node follows the CPU limit of a parent cgroup, but not its memory limit, and takes less than one CPU for no limit. Needs root, two CPUs.
#
# The kernel enforces the limits of all cgroups above a process. A systemd slice, the pod around a container and a container in which systemd or
# Docker runs are such parents. os.availableParallelism(), which sizes pools of workers, looks at all of them. process.constrainedMemory(),
# from which V8 derives its heap limit, looks at the process's own cgroup only, and says 2^64 if that has none, where the documentation
# says 0. So in a slice with both limits, Node starts one worker, with a heap that is sized for all memory of the host. A limit of a quarter of
# a CPU starts as many workers as the host has CPUs: it is rounded down to 0, which is no limit.
set -euo pipefail
[ "$(id -u)" = 0 ] || { echo 'needs root, to mount'; exit 77; }
[ "$(nproc)" -ge 2 ] || { echo 'needs two CPUs, to see a limit of one'; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y > npm.log
npm install --silent --no-audit --no-fund node@24.9.0 >> npm.log 2>&1 || { cat npm.log; exit 1; }
node=$(find "$work/node_modules" -path '*/bin/node' -type f -size +10M | head -n 1)
echo 0::/web.slice/app.service > self
cat > show.js << 'JS'
const os = require('node:os');
const cpus = os.availableParallelism() === os.cpus().length ? 'all' : os.availableParallelism();
const memory = process.constrainedMemory();
console.log(`${cpus} CPUs, memory ${memory >= 2 ** 63 ? '2^64' : `${memory / 2 ** 20} MiB`}`);
JS
cat > enter.sh << 'SH'
# Becomes Node, in a mount namespace where the directory is cgroup v2, and the process is in /web.slice/app.service.
mount --bind "$1" /sys/fs/cgroup
mount --bind "$2/self" /proc/$$/cgroup
exec "$3" "$2/show.js"
SH

# show NAME SLICE-CPU SLICE-MEMORY SERVICE-CPU SERVICE-MEMORY
show() {
  local directory=$work/tree/web.slice
  rm -rf tree && mkdir -p "$directory/app.service"
  echo "$2 100000" > "$directory/cpu.max"
  echo "$3" > "$directory/memory.max"
  echo "$4 100000" > "$directory/app.service/cpu.max"
  echo "$5" > "$directory/app.service/memory.max"
  for each in "$directory" "$directory/app.service"; do
    echo 'cpu memory' > "$each/cgroup.controllers"
    echo max > "$each/memory.high"
  done
  echo "$1: $(unshare --mount sh enter.sh "$work/tree" "$work" "$node")"
}
"$node" --version
{
  show 'no limit' max max max max
  show 'the service has 1 CPU, 256 MiB' max max 100000 268435456
  show 'the slice has 1 CPU, 256 MiB' 100000 268435456 max max
  show 'the service has 0.25 CPUs' max max 25000 max
} | tee seen.txt
diff seen.txt - << 'SEEN'
no limit: all CPUs, memory 2^64
the service has 1 CPU, 256 MiB: 1 CPUs, memory 256 MiB
the slice has 1 CPU, 256 MiB: 1 CPUs, memory 2^64
the service has 0.25 CPUs: all CPUs, memory 2^64
SEEN
