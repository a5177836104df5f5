#!/usr/bin/env bash
# A cgroup without the memory and pids controllers has limits of 0 in the library of containerd, without an error.
#
# On cgroup v2 a cgroup has the files of a controller only if its parent enables it for its children, and a systemd unit below a slice
# often has none of memory or pids. github.com/containerd/cgroups, behind containerd's metrics and `ctr task metrics`, reads a missing
# file as 0, and `max` as 2^64-1. So "nobody limits or counts this here" is the tightest limit that there is, with a use of 0, and nothing
# distinguishes it from `pids.max` 0, which the kernel knows. github.com/opencontainers/cgroups has no error either, and 0 for "no limit" of pids, too.
set -euo pipefail
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work"
cat > go.mod << 'MOD'
module finding
go 1.25
require (
	github.com/containerd/cgroups/v3 v3.1.3
	github.com/opencontainers/cgroups v0.1.0
)
MOD
cat > main.go << 'GO'
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/containerd/cgroups/v3/cgroup2"
	"github.com/opencontainers/cgroups"
	"github.com/opencontainers/cgroups/fs2"
)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// Reads directories that stand for cgroups: without memory and pids, with both and no limit, and with limits.
func main() {
	// Also takes directories outside of cgroupfs.
	cgroups.TestMode = true
	root := must(filepath.Abs("tree"))
	for name, limits := range [][]string{nil, {"max", "max"}, {"268435456", "0"}} {
		group := fmt.Sprintf("/app%d", name)
		directory := filepath.Join(root, group)
		os.MkdirAll(directory, 0o755)
		files := map[string]string{"cgroup.controllers": "cpu", "cgroup.procs": "1234", "cpu.stat": "usage_usec 1"}
		if limits != nil {
			files["cgroup.controllers"] = "cpu memory pids"
			files["memory.current"], files["memory.stat"], files["memory.max"] = "4096", "anon 4096", limits[0]
			files["pids.current"], files["pids.max"] = "1", limits[1]
		}
		for name, text := range files {
			os.WriteFile(filepath.Join(directory, name), []byte(text+"\n"), 0o644)
		}
		ours := must(must(cgroup2.Load(group, cgroup2.WithMountpoint(root))).Stat())
		other := must(must(fs2.NewManager(&cgroups.Cgroup{Resources: &cgroups.Resources{}}, directory)).GetStats())
		fmt.Printf("%s, memory.max and pids.max %v:\n", files["cgroup.controllers"], limits)
		memory, pids := ours.Memory, ours.Pids
		fmt.Printf("  containerd/cgroups: memory %d of %d, pids %d of %d\n", memory.Usage, memory.UsageLimit, pids.Current, pids.Limit)
		usage := other.MemoryStats.Usage
		fmt.Printf("  opencontainers/cgroups: memory %d of %d, pids %d of %d\n", usage.Usage, usage.Limit, other.PidsStats.Current, other.PidsStats.Limit)
	}
}
GO
export GOFLAGS=-mod=mod
{ go mod tidy && go build -o finding .; } > go.log 2>&1 || { cat go.log; exit 1; }
echo 'containerd/cgroups v3.1.3, opencontainers/cgroups v0.1.0'
./finding | tee seen.txt
diff seen.txt - << 'SEEN'
cpu, memory.max and pids.max []:
  containerd/cgroups: memory 0 of 0, pids 0 of 0
  opencontainers/cgroups: memory 0 of 0, pids 1 of 0
cpu memory pids, memory.max and pids.max [max max]:
  containerd/cgroups: memory 4096 of 18446744073709551615, pids 1 of 18446744073709551615
  opencontainers/cgroups: memory 4096 of 18446744073709551615, pids 1 of 0
cpu memory pids, memory.max and pids.max [268435456 0]:
  containerd/cgroups: memory 4096 of 268435456, pids 1 of 0
  opencontainers/cgroups: memory 4096 of 268435456, pids 1 of 0
SEEN
