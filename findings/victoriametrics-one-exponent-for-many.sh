#!/usr/bin/env bash
# One huge value costs VictoriaMetrics digits of the other values of that series: a limit of 134217728 becomes 134217720, and 5 becomes 0.
#
# VictoriaMetrics stores the samples of a series in blocks, as 64-bit integers with one power of ten for the whole block. Beside a value
# of 20 digits every other one loses its last digit, and all behind the point. Exporters have such a value for "no limit": where a file
# says `max`, github.com/containerd/cgroups reports 18446744073709551615. A container that gets a limit while it runs then has a wrong
# one in VictoriaMetrics, and `limit > 0` can say that there is none. The largest limit of cgroup v1 has 19 digits, which do fit. Prometheus
# stores each value as a float of its own. So "no limit" is better no sample at all, or +Inf, which has a code of its own.
set -euo pipefail
work=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid" 2> /dev/null || true; wait; chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work"
cat > go.mod << 'MOD'
module finding
go 1.24
require github.com/VictoriaMetrics/VictoriaMetrics v1.110.0
MOD
export GOFLAGS=-mod=mod CGO_ENABLED=0
go build -o victoria-metrics github.com/VictoriaMetrics/VictoriaMetrics/app/victoria-metrics > go.log 2>&1 || { cat go.log; exit 1; }
./victoria-metrics -storageDataPath=data -httpListenAddr=127.0.0.1:19561 > server.log 2>&1 &
pid=$!
for _ in $(seq 50); do curl -sf 127.0.0.1:19561/health > /dev/null && break || sleep 0.2; done

now=$(date +%s)
{
  # name, then a value for each of the last minutes
  while read -r name values; do
    age=600
    for value in $values; do
      echo "$name $value $(((now - age) * 1000))"
      age=$((age - 60))
    done
  done << 'SERIES'
bytes_limited 134217728 536870912
bytes_unlimited_first_v1 9223372036854771712 134217728 536870912
bytes_unlimited_first_v2 18446744073709551615 134217728 536870912
pids_infinite_first +Inf 512 5
pids_limited 512 5
pids_unlimited_first 18446744073709551615 512 5
SERIES
} > samples.txt
curl -sf --data-binary @samples.txt 127.0.0.1:19561/api/v1/import/prometheus
curl -sf 127.0.0.1:19561/internal/force_flush
echo 'VictoriaMetrics v1.110.0'
curl -sf 127.0.0.1:19561/api/v1/export -d 'match[]={__name__!=""}' |
  sed -E 's/.*"__name__":"([^"]*)".*"values":\[([^]]*)\].*/\1 \2/' | sort | tee seen.txt
diff seen.txt - << 'SEEN'
bytes_limited 134217728,536870912
bytes_unlimited_first_v1 9223372036854770688,134217728,536870912
bytes_unlimited_first_v2 18446744073709548000,134217720,536870910
pids_infinite_first "Infinity",512,5
pids_limited 512,5
pids_unlimited_first 18446744073709548000,510,0
SEEN
