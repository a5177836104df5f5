#!/usr/bin/env bash
# A scrape that has one series twice, with two values, succeeds: Prometheus keeps the first value and says nothing.
#
# The text format says that each line must have a unique combination of name and labels. Prometheus checks it neither while
# it parses nor while it appends: `up` is 1, the second value is dropped when the scrape is committed, the log has no line,
# and the counter with the promising name prometheus_target_scrapes_sample_duplicate_timestamp_total stays 0. So an
# exporter that gives two containers the same labels loses one of them, and no alert can see it. `promtool check metrics`, with
# which exporters are tested, passes such an exposition as well.
set -euo pipefail
work=$(mktemp -d)
pids=()
trap 'for pid in "${pids[@]}"; do kill "$pid" 2> /dev/null || true; done; wait; rm -rf "$work"' EXIT
cd "$work"
version=2.42.0+ds-5+deb12u1
apt-get download "prometheus=$version" > apt.log 2>&1 || { apt-get update >> apt.log && apt-get download "prometheus=$version" >> apt.log; }
dpkg -x prometheus_*.deb .

cat > target.mjs << 'JS'
import { createServer } from 'node:http';
createServer((request, response) => {
  response.setHeader('Content-Type', 'text/plain; version=0.0.4');
  response.end('# TYPE limit gauge\nlimit{container="web"} 1\nlimit{container="web"} 2\n');
}).listen(19555, '127.0.0.1');
JS
cat > prometheus.yml << 'YAML'
global: { scrape_interval: 1s }
scrape_configs:
  - { job_name: target, static_configs: [{ targets: ['127.0.0.1:19555'] }] }
YAML
node target.mjs &
pids+=($!)
usr/bin/prometheus --config.file=prometheus.yml --storage.tsdb.path=data --web.listen-address=127.0.0.1:19556 2> prometheus.log &
pids+=($!)

value() { curl -sG 127.0.0.1:19556/api/v1/query --data-urlencode "query=$1" | grep -o '"[^"]*"\]' | tr -d '"]'; }
for _ in $(seq 60); do
  sleep 1
  [ "$(value 'count_over_time(up[1m]) > 5')" ] && break
done
{
  usr/bin/prometheus --version 2>&1 | head -n 1 | cut -d ' ' -f 1-3
  echo "up $(value up), limit $(value limit), samples scraped $(value scrape_samples_scraped)"
  curl -s 127.0.0.1:19556/metrics | grep '^prometheus_target_scrapes_sample_duplicate_timestamp_total'
  echo "lines of the log about duplicates: $(grep -ci duplicate prometheus.log || true)"
  printf '# HELP limit L.\n# TYPE limit gauge\nlimit{a="b"} 1\nlimit{a="b"} 2\n' | usr/bin/promtool check metrics &&
    echo 'promtool check metrics: passed'
} | tee seen.txt
# Seen with Prometheus 2.42.0:
#   up 1, limit 1, samples scraped 2
#   prometheus_target_scrapes_sample_duplicate_timestamp_total 0
#   lines of the log about duplicates: 0
#   promtool check metrics: passed
grep -qx 'up 1, limit 1, samples scraped 2' seen.txt
grep -qx 'prometheus_target_scrapes_sample_duplicate_timestamp_total 0' seen.txt
grep -qx 'lines of the log about duplicates: 0' seen.txt
grep -qx 'promtool check metrics: passed' seen.txt
