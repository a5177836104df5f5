#!/usr/bin/env bash
# Of several histograms in a family parse-prometheus-text-format (npm) keeps the buckets of the last, without labels, sum and count.
#
# A histogram with labels is several series, and each has its buckets, sum and count. The parser gathers what belongs to a family in one
# object without looking at other labels than `le`: the buckets are those of the last series, sum and count are lost, and nothing says that there
# were more. Of a summary the quantiles of the last series remain. Gauges and counters keep their labels. A test of an exporter that reads
# durations by path or by collector in this way checks one of them, whichever comes last.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y > npm.log
npm install --silent --no-audit --no-fund parse-prometheus-text-format@1.1.1 >> npm.log
cat > parse.mjs << 'JS'
import parse from 'parse-prometheus-text-format';

const histogram = (labels, fast, all, sum) => [
  `seconds_bucket{${labels}le="1"} ${fast}`,
  `seconds_bucket{${labels}le="+Inf"} ${all}`,
  `seconds_sum${labels && `{${labels}}`} ${sum}`,
  `seconds_count${labels && `{${labels}}`} ${all}`,
];
const show = (what, type, lines) => {
  const [family] = parse([`# TYPE seconds ${type}`, ...lines, ''].join('\n'));
  console.log(`${what}: ${JSON.stringify(family.metrics)}`);
};
show('gauge with labels', 'gauge', ['seconds{path="/a"} 1', 'seconds{path="/b"} 2']);
show('histogram without', 'histogram', histogram('', 1, 2, 3));
show('histogram with labels', 'histogram', [...histogram('path="/a",', 1, 2, 3), ...histogram('path="/b",', 40, 50, 60)]);
show('summary with labels', 'summary', [
  'seconds{path="/a",quantile="0.5"} 1', 'seconds_sum{path="/a"} 2', 'seconds_count{path="/a"} 3',
  'seconds{path="/b",quantile="0.5"} 40', 'seconds_sum{path="/b"} 50', 'seconds_count{path="/b"} 60',
]);
JS
echo 'parse-prometheus-text-format 1.1.1'
node parse.mjs | tee seen.txt
diff seen.txt - << 'SEEN'
gauge with labels: [{"value":"1","labels":{"path":"/a"}},{"value":"2","labels":{"path":"/b"}}]
histogram without: [{"buckets":{"1":"1","+Inf":"2"},"count":"2","sum":"3"}]
histogram with labels: [{"buckets":{"1":"40","+Inf":"50"}}]
summary with labels: [{"quantiles":{"0.5":"40"}}]
SEEN
