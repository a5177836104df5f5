#!/usr/bin/env bash
# The same --cpu-shares gives another cpu.weight with a new runc, and cAdvisor shows neither. Needs root, for a mount of its own.
#
# On cgroup v2 a runtime turns shares (Docker's --cpu-shares, the kubelet's CPU requests) into cpu.weight. runc's library
# github.com/opencontainers/cgroups did so along a line until v0.0.2 (1024 shares: weight 39), and does along a curve since v0.0.3
# (1024: 100, which is the default of the kernel). So two containers with equal requests get
# different CPU time if their runtimes differ, and after an upgrade a container has another weight than its unchanged neighbours.
# cAdvisor still turns weights back along the line: a container with the default weight has container_spec_cpu_shares 2597,
# whatever its shares were, so queries that divide by 1024 are wrong by a factor of 2.5.
set -euo pipefail
[ "$(id -u)" = 0 ] || { echo 'needs root, to mount a cgroup2 file system'; exit 77; }
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work"
export GOFLAGS=-mod=mod

# module NAME REQUIREMENT: a program from standard input.
module() {
  mkdir "$1"
  printf 'module finding\ngo 1.24\nrequire %s\n' "$2" > "$1/go.mod"
  cat > "$1/main.go"
  (cd "$1" && go mod tidy && go build -o finding .) > "$1.log" 2>&1 || { cat "$1.log"; exit 1; }
}

for version in v0.0.2 v0.0.3; do
  module "cgroups-$version" "github.com/opencontainers/cgroups $version" << 'GO'
package main

import (
	"fmt"

	"github.com/opencontainers/cgroups"
)

func main() {
	for _, shares := range []uint64{102, 512, 1024, 2048} {
		fmt.Printf("%d shares: weight %d; ", shares, cgroups.ConvertCPUSharesToCgroupV2Value(shares))
	}
}
GO
done
module cadvisor 'github.com/google/cadvisor v0.57.0' << 'GO'
package main

import (
	"fmt"
	"os"

	"github.com/google/cadvisor/container/common"
	info "github.com/google/cadvisor/info/v1"
)

type machine struct{}

func (machine) GetMachineInfo() (*info.MachineInfo, error) { return &info.MachineInfo{NumCores: 4}, nil }
func (machine) GetVersionInfo() (*info.VersionInfo, error) { return &info.VersionInfo{}, nil }

func main() {
	spec, err := common.GetSpec(map[string]string{"": os.Args[1]}, machine{}, false, false)
	if err != nil {
		panic(err)
	}
	fmt.Print(spec.Cpu.Limit)
}
GO

# The files of a container without limits, as the kernel makes them.
mkdir container
echo 100 > container/cpu.weight
echo 'max 100000' > container/cpu.max
# cAdvisor reads the files of cgroup v2 if /sys/fs/cgroup is such a file system.
shown=$(unshare --mount sh -c 'mount -t cgroup2 none /sys/fs/cgroup && exec cadvisor/finding container')

line=$(cgroups-v0.0.2/finding)
curve=$(cgroups-v0.0.3/finding)
echo "opencontainers/cgroups v0.0.2: $line"
echo "opencontainers/cgroups v0.0.3: $curve"
echo "cAdvisor v0.57.0 shows a container with weight 100 with $shown shares"
[ "$line" = '102 shares: weight 4; 512 shares: weight 20; 1024 shares: weight 39; 2048 shares: weight 79; ' ]
[ "$curve" = '102 shares: weight 17; 512 shares: weight 59; 1024 shares: weight 100; 2048 shares: weight 174; ' ]
[ "$shown" = 2597 ]
