#!/usr/bin/env bash
# The parser of Python's prometheus_client renames counters without `_total`: it returns names that nobody has exposed. Needs Python 3.
#
# In the text format 0.0.4 a counter can have any name: cAdvisor has container_memory_failcnt, node_exporter had several. The
# parser builds its families by the rules of OpenMetrics, and adds `_total` to the sample. Tests of exporters, and agents that forward
# what they have parsed, so see a series that Prometheus does not know. Two counters that differ only in `_total` become one name.
# The types gauge and untyped keep theirs, and so do counters whose TYPE line comes after the sample.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check prometheus_client==0.26.0 > pip.log 2>&1 || { cat pip.log; exit 1; }
cat > parse.py << 'PY'
from prometheus_client.parser import text_string_to_metric_families

EXPOSITION = '''\
# TYPE container_memory_failcnt counter
container_memory_failcnt{id="/docker/1"} 3
# TYPE container_memory_usage_bytes gauge
container_memory_usage_bytes{id="/docker/1"} 4096
# TYPE restarts counter
restarts 1
# TYPE restarts_total counter
restarts_total 2
'''
for family in text_string_to_metric_families(EXPOSITION):
    for sample in family.samples:
        print(f'family {family.name}, {family.type}: {sample.name} {sample.value:g}')
PY
echo 'prometheus_client 0.26.0'
venv/bin/python parse.py | tee seen.txt
diff seen.txt - << 'SEEN'
family container_memory_failcnt, counter: container_memory_failcnt_total 3
family container_memory_usage_bytes, gauge: container_memory_usage_bytes 4096
family restarts, counter: restarts_total 1
family restarts, counter: restarts_total 2
SEEN
