#!/usr/bin/env bash
# The library of runc reports a limit of 1023 MiB for memory without a limit and 1 GiB of swap: it adds 1 GiB to 2^64-1.
#
# cgroup v2 can limit swap alone, as systemd does by `MemorySwapMax=` without `MemoryMax=`. github.com/opencontainers/cgroups (of runc, CRI-O
# and cAdvisor) reports SwapUsage as on cgroup v1, where it is memory and swap together: it adds the two limits. `max` is 2^64-1 to it. It
# checks the limit of swap for that before, and not the one of memory, so the sum wraps round. The limit that `runc events --stats` shows
# is a byte less than that of swap, and the use, also a sum, is soon above it. SwapOnlyUsage, and github.com/containerd/cgroups, are right.
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

// Reads a directory that stands for a cgroup that uses 2 GiB of memory and 4 KiB of swap.
func main() {
	// Also takes directories outside of cgroupfs.
	cgroups.TestMode = true
	root := must(filepath.Abs("tree"))
	for _, limits := range [][2]string{{"max", "max"}, {"4294967296", "1073741824"}, {"max", "1073741824"}, {"max", "0"}} {
		directory := filepath.Join(root, "app")
		os.MkdirAll(directory, 0o755)
		for name, text := range map[string]string{
			"cgroup.controllers": "memory pids", "pids.current": "1", "pids.max": "max", "memory.stat": "anon 0",
			"memory.current": "2147483648", "memory.swap.current": "4096",
			"memory.max": limits[0], "memory.swap.max": limits[1],
		} {
			os.WriteFile(filepath.Join(directory, name), []byte(text+"\n"), 0o644)
		}
		manager := must(fs2.NewManager(&cgroups.Cgroup{Resources: &cgroups.Resources{}}, directory))
		memory := must(manager.GetStats()).MemoryStats
		other := must(must(cgroup2.Load("/app", cgroup2.WithMountpoint(root))).Stat()).Memory
		fmt.Printf("memory.max %s, memory.swap.max %s:\n", limits[0], limits[1])
		fmt.Printf("  opencontainers/cgroups: use %d, limit %d\n", memory.SwapUsage.Usage, memory.SwapUsage.Limit)
		fmt.Printf("  containerd/cgroups: swap %d, limit %d\n", other.SwapUsage, other.SwapLimit)
	}
}
GO
export GOFLAGS=-mod=mod
{ go mod tidy && go build -o finding .; } > go.log 2>&1 || { cat go.log; exit 1; }
echo 'opencontainers/cgroups v0.1.0, containerd/cgroups v3.1.3'
./finding | tee seen.txt
diff seen.txt - << 'SEEN'
memory.max max, memory.swap.max max:
  opencontainers/cgroups: use 2147487744, limit 18446744073709551615
  containerd/cgroups: swap 4096, limit 18446744073709551615
memory.max 4294967296, memory.swap.max 1073741824:
  opencontainers/cgroups: use 2147487744, limit 5368709120
  containerd/cgroups: swap 4096, limit 1073741824
memory.max max, memory.swap.max 1073741824:
  opencontainers/cgroups: use 2147487744, limit 1073741823
  containerd/cgroups: swap 4096, limit 1073741824
memory.max max, memory.swap.max 0:
  opencontainers/cgroups: use 2147487744, limit 18446744073709551615
  containerd/cgroups: swap 4096, limit 0
SEEN
