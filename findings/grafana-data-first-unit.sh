#!/usr/bin/env bash
# Grafana's library reads the interval `1m30s` as one minute, and says that it is valid.
#
# Prometheus writes 90 seconds as `1m30s`, on its pages and in its answers, so it gets copied into the minimum step of a query or panel.
# @grafana/data calls it valid (isValidTimeSpan), and then takes only the first number and unit (intervalToSeconds), so the step is
# shorter than what was asked for, without a warning. `1d12h` is a day. Decimals are cut off: `1.5m` is a minute, and `0.5m` is nothing, so
# such a query has no minimum at all. Only one whole number with one unit is what it seems: `90s`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y > npm.log
npm install --silent --no-audit --no-fund @grafana/data@12.4.10 >> npm.log 2>&1 || { cat npm.log; exit 1; }
cat > intervals.cjs << 'JS'
const { join } = require('node:path');
// The whole package needs a browser.
const rangeUtil = require(join(process.cwd(), 'node_modules/@grafana/data/dist/cjs/datetime/rangeutil.cjs'));

const hour = { from: { valueOf: () => 0 }, to: { valueOf: () => 3_600_000 } };
for (const text of ['90s', '1m30s', '1.5m', '0.5m', '1h30m', '1d12h']) {
  const { interval } = rangeUtil.calculateInterval(hour, 1000, text);
  console.log(`${text}: ${rangeUtil.isValidTimeSpan(text) ? 'valid' : 'not valid'}, ${rangeUtil.intervalToSeconds(text)} s, step of an hour on 1000 pixels ${interval}`);
}
JS
echo '@grafana/data 12.4.10'
node intervals.cjs 2>&1 | grep '^[0-9]' | tee seen.txt
diff seen.txt - << 'SEEN'
90s: valid, 90 s, step of an hour on 1000 pixels 1m
1m30s: valid, 60 s, step of an hour on 1000 pixels 1m
1.5m: not valid, 60 s, step of an hour on 1000 pixels 1m
0.5m: not valid, 0 s, step of an hour on 1000 pixels 5s
1h30m: valid, 3600 s, step of an hour on 1000 pixels 1h
1d12h: valid, 86400 s, step of an hour on 1000 pixels 1d
SEEN
