#!/usr/bin/env bash
# A pids limit of 0 means no limit, or a limit of 1, by the version of the runtime's library.
#
# In config.json of OCI, `pids.limit: 0` was what programs wrote that meant "not set". github.com/opencontainers/cgroups (of runc, Podman's
# libraries and the kubelet) wrote nothing for it until v0.0.5, so the container had no limit. Since v0.0.6 it follows runtime-spec 1.3, by
# which 0 is a limit, and writes 1: the same container can no longer start a second process. github.com/containerd/cgroups still takes it
# for "not set". Only -1 means no limit everywhere, and only an absent value means "not set".
set -euo pipefail
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

for version in v0.0.5 v0.0.6; do
  # The limit is a number until v0.0.5, and a pointer since.
  if [ "$version" = v0.0.5 ]; then value=limit; else value='&limit'; fi
  module "$version" "github.com/opencontainers/cgroups $version" << GO
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/opencontainers/cgroups"
	"github.com/opencontainers/cgroups/fs2"
)

// Sets each limit in a directory that stands for a new cgroup, and prints its pids.max.
func main() {
	// Also takes directories outside of cgroupfs.
	cgroups.TestMode = true
	for _, limit := range []int64{0, -1, 100} {
		directory, err := os.MkdirTemp(".", "cgroup")
		if err != nil {
			panic(err)
		}
		file := filepath.Join(directory, "pids.max")
		os.WriteFile(file, []byte("max"), 0o644)
		os.WriteFile(filepath.Join(directory, "cgroup.controllers"), []byte("pids"), 0o644)
		resources := &cgroups.Resources{PidsLimit: $value, SkipDevices: true}
		manager, err := fs2.NewManager(&cgroups.Cgroup{Resources: resources}, directory)
		if err != nil {
			panic(err)
		}
		if err := manager.Set(resources); err != nil {
			panic(err)
		}
		text, _ := os.ReadFile(file)
		fmt.Printf("%d -> pids.max %s; ", limit, text)
	}
	fmt.Println()
}
GO
done
module containerd 'github.com/containerd/cgroups/v3 v3.1.3' << 'GO'
package main

import (
	"fmt"

	"github.com/containerd/cgroups/v3/cgroup2"
	"github.com/opencontainers/runtime-spec/specs-go"
)

func main() {
	for _, limit := range []int64{0, -1, 100} {
		resources := cgroup2.ToResources(&specs.LinuxResources{Pids: &specs.LinuxPids{Limit: &limit}})
		text := "max"
		for _, value := range resources.Values() {
			text = fmt.Sprint(value)
		}
		fmt.Printf("%d -> %s; ", limit, text)
	}
	fmt.Println()
}
GO
{
  for version in v0.0.5 v0.0.6; do echo "opencontainers/cgroups $version: $("$version/finding")"; done
  echo "containerd/cgroups v3.1.3: $(containerd/finding)"
} | tee seen.txt
diff seen.txt - << 'SEEN'
opencontainers/cgroups v0.0.5: 0 -> pids.max max; -1 -> pids.max max; 100 -> pids.max 100; 
opencontainers/cgroups v0.0.6: 0 -> pids.max 1; -1 -> pids.max max; 100 -> pids.max 100; 
containerd/cgroups v3.1.3: 0 -> max; -1 -> {pids.max max}; 100 -> {pids.max 100}; 
SEEN
