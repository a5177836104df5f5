#!/usr/bin/env bash
# V8's heap limit is never below about 259 MiB, however small the memory limit of the cgroup is. Needs root.
#
# Node tells V8 the cgroup's limit (process.constrainedMemory() shows it), and V8 derives its heap limit from it: half of it
# at 1 GiB. Below 512 MiB the result stays the same, so in a container of 128 MiB the heap may grow to twice what the
# kernel allows: the OOM killer comes before V8 has a reason to collect garbage in earnest. A program for small containers
# has to pass --max-old-space-size itself.
set -euo pipefail
[ "$(id -u)" = 0 ] || { echo 'needs root, to make a cgroup'; exit 77; }
work=$(mktemp -d)
name=finding-heap-$$
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
  cgroup=/sys/fs/cgroup/$name limit=memory.max
else
  cgroup=/sys/fs/cgroup/memory/$name limit=memory.limit_in_bytes
fi
trap 'rmdir "$cgroup" 2> /dev/null || true; rm -rf "$work"' EXIT
cd "$work"
npm init -y > npm.log
for version in 20.9.0 24.9.0; do
  npm install --silent --no-audit --no-fund --prefix "v$version" "node@$version" >> npm.log 2>&1
done
mkdir "$cgroup"
for version in 20.9.0 24.9.0; do
  node=$(find "v$version" -path '*/bin/node' -type f -size +10M | head -n 1)
  for mebibytes in 1024 512 128 64; do
    echo $((mebibytes * 1048576)) > "$cgroup/$limit"
    # The shell moves itself into the cgroup and becomes Node.
    sh -c 'echo $$ > "$1/cgroup.procs" && exec "$2" -e "$3"' - "$cgroup" "$node" '
      const mebibytes = (bytes) => Math.round(Number(bytes) / 1048576);
      const { heap_size_limit: heap } = require("node:v8").getHeapStatistics();
      console.log(`Node ${process.version}: cgroup ${mebibytes(process.constrainedMemory())} MiB, heap limit ${mebibytes(heap)} MiB`);
    '
  done
done | tee seen.txt
# Seen, on cgroup v1 (Linux 6.18):
#   Node v20.9.0: cgroup 1024 MiB, heap limit 524 MiB
#   Node v20.9.0: cgroup 512 MiB, heap limit 259 MiB
#   Node v20.9.0: cgroup 128 MiB, heap limit 259 MiB
#   Node v20.9.0: cgroup 64 MiB, heap limit 259 MiB
#   Node v24.9.0: cgroup 1024 MiB, heap limit 560 MiB
#   Node v24.9.0: cgroup 512, 128 and 64 MiB: heap limit 259 MiB each
[ "$(grep -c 'cgroup \(128\|64\) MiB, heap limit 2[5-9][0-9] MiB' seen.txt)" = 4 ]
