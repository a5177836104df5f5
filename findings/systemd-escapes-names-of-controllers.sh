#!/usr/bin/env bash
# The cgroup of `memory.slice` is the directory `_memory.slice`, and runc's library looks for `memory.slice`. Needs Python 3, x86-64.
#
# A cgroup must not be called like a file that the kernel makes beside it (`memory.max`, `cpu.stat`). So systemd puts an underscore before
# units whose name begins with a controller and a dot, with `cgroup.` or with an underscore, and only before these: `cpu.service`, `io.slice`,
# `memory.slice`, but not `cpu-batch.slice` or `hugetlb.slice`. Slices nest by their dashes, so this also moves `memory-web.slice`. What computes
# the path from the unit's name, as github.com/opencontainers/cgroups does for `docker run --cgroup-parent`, finds no such directory.
set -euo pipefail
work=$(mktemp -d)
trap 'cd /; chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work"
package=libsystemd-shared=252.39-1~deb12u2
{ apt-get download "$package" || { apt-get update && apt-get download "$package"; }; } > apt.log 2>&1
dpkg -x libsystemd-shared_*.deb .
library=$(find "$work" -name libsystemd-shared-252.so)
cat > systemd.py << 'PY'
import ctypes, sys

library = ctypes.CDLL(sys.argv[1])
library.cg_escape.argtypes = [ctypes.c_char_p]
library.cg_escape.restype = ctypes.c_char_p
library.cg_slice_to_path.argtypes = [ctypes.c_char_p, ctypes.POINTER(ctypes.c_char_p)]
for name in sys.argv[2:]:
    if name.endswith('.slice'):
        path = ctypes.c_char_p()
        assert library.cg_slice_to_path(name.encode(), ctypes.byref(path)) == 0
        print(name, '/' + path.value.decode())
    else:
        print(name, '/system.slice/' + library.cg_escape(name.encode()).decode())
PY
cat > go.mod << 'MOD'
module finding
go 1.24
require github.com/opencontainers/cgroups v0.1.0
MOD
cat > main.go << 'GO'
package main

import (
	"fmt"
	"os"

	"github.com/opencontainers/cgroups/systemd"
)

func main() {
	for _, slice := range os.Args[1:] {
		path, err := systemd.ExpandSlice(slice)
		if err != nil {
			panic(err)
		}
		fmt.Println(slice, path)
	}
}
GO
export GOFLAGS=-mod=mod
{ go mod tidy && go build -o runc-path .; } > go.log 2>&1 || { cat go.log; exit 1; }
slices=(web.slice memory.slice memory-web.slice cpu-batch.slice hugetlb.slice)
{
  echo 'systemd 252.39:'
  python3 systemd.py "$library" web.service cpu.service io.service hugetlb.service "${slices[@]}"
  echo 'opencontainers/cgroups v0.1.0:'
  ./runc-path "${slices[@]}"
} | tee seen.txt
diff seen.txt - << 'SEEN'
systemd 252.39:
web.service /system.slice/web.service
cpu.service /system.slice/_cpu.service
io.service /system.slice/_io.service
hugetlb.service /system.slice/hugetlb.service
web.slice /web.slice
memory.slice /_memory.slice
memory-web.slice /_memory.slice/memory-web.slice
cpu-batch.slice /_cpu.slice/cpu-batch.slice
hugetlb.slice /hugetlb.slice
opencontainers/cgroups v0.1.0:
web.slice /web.slice
memory.slice /memory.slice
memory-web.slice /memory.slice/memory-web.slice
cpu-batch.slice /cpu.slice/cpu-batch.slice
hugetlb.slice /hugetlb.slice
SEEN
