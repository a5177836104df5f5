#!/usr/bin/env bash
# cAdvisor's reader of the kernel's log attributes an OOM kill to "/" when the report is longer than one record. Needs root.
#
# The kernel reports a kill in one line, `oom-kill:constraint=…,oom_memcg=PATH,task_memcg=PATH,task=…,pid=…`. A record of
# /dev/kmsg holds about 1,000 bytes; a longer line continues in further records, which carry the flag `c`. Two paths of some
# 500 characters are enough: containers inside containers (kind, Docker in Docker, CI in pods) come there, as each level adds
# 100 to 250. github.com/google/cadvisor/utils/oomparser takes each record for a line: its pattern misses the first one, and
# the kill comes out with the container "/" and without a constraint. The kubelet's event for it names no container.
set -euo pipefail
[ "$(id -u)" = 0 ] || { echo 'needs root, to make cgroups and to read /dev/kmsg'; exit 77; }
work=$(mktemp -d)
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
  top=/sys/fs/cgroup/finding-$$ limit=memory.max
else
  top=/sys/fs/cgroup/memory/finding-$$ limit=memory.limit_in_bytes
fi
trap 'find "$top" -depth -type d -exec rmdir {} + 2> /dev/null || true; chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work"
cat > go.mod << 'MOD'
module finding
go 1.24
require github.com/google/cadvisor v0.53.0
MOD
cat > main.go << 'GO'
package main

import (
	"fmt"
	"os"

	"github.com/google/cadvisor/utils/oomparser"
)

// Waits for the kill of the pid in the argument, and prints what cAdvisor makes of it.
func main() {
	parser, err := oomparser.New()
	if err != nil {
		panic(err)
	}
	kills := make(chan *oomparser.OomInstance, 100)
	go parser.StreamOoms(kills)
	for kill := range kills {
		if fmt.Sprint(kill.Pid) == os.Args[1] {
			fmt.Printf("victim's container of %d characters, constraint %q\n", len(kill.VictimContainerName), kill.Constraint)
			return
		}
	}
}
GO
export GOFLAGS=-mod=mod
{ go mod tidy && go build -o finding .; } > go.log 2>&1 || { cat go.log; exit 1; }

# Kills a process in a new cgroup with a path of about $1 × 100 characters.
kill_at_depth() {
  local path=$top/depth$1 name pid
  name=$(printf 'n%.0s' $(seq 99))
  for _ in $(seq "$1"); do path+=/$name; done
  mkdir -p "$path"
  if [ "$limit" = memory.max ]; then
    local parent=$path
    local parents=()
    while [ "$parent" != "$top" ]; do
      parent=$(dirname "$parent")
      parents=("$parent" "${parents[@]}")
    done
    for parent in "${parents[@]}"; do echo +memory > "$parent/cgroup.subtree_control"; done
  fi
  echo 16M > "$path/$limit"
  sh -c 'echo $$ > "$1/cgroup.procs" && exec tail /dev/zero' - "$path" &
  pid=$!
  wait "$pid" 2> /dev/null || true
  # The parser starts with what the log still holds.
  timeout 20 ./finding "$pid"
}

echo "github.com/google/cadvisor v0.53.0, Linux $(uname -r | cut -d . -f 1,2)"
{
  echo "path of about 100 characters: $(kill_at_depth 1)"
  echo "path of about 600 characters: $(kill_at_depth 6)"
} 2> /dev/null | tee seen.txt
# Seen on Linux 6.18, cgroup v1:
#   path of about 100 characters: victim's container of 122 characters, constraint "CONSTRAINT_MEMCG"
#   path of about 600 characters: victim's container of 1 characters, constraint ""
grep -q '100 characters: .* of 1[0-9][0-9] characters, constraint "CONSTRAINT_MEMCG"' seen.txt
grep -q '600 characters: .* of 1 characters, constraint ""' seen.txt
