#!/usr/bin/env bash
# A summary of prom-client reports a quantile of 0 where nothing was observed; Go's client reports NaN.
#
# Quantiles of a sliding window (`maxAgeSeconds`) are of the last minutes only. When nothing happens for that long, there is no median.
# client_golang then says NaN, which graphs leave out and which is neither above nor below a threshold. prom-client says 0: a service that
# nobody calls, or whose callers are cut off, looks as if it answered in no time, and an average over instances is too low. It is
# also 0 from the start, before the first observation, with and without a window.
set -euo pipefail
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work"
npm init -y > npm.log
npm install --silent --no-audit --no-fund prom-client@15.1.3 >> npm.log
cat > summary.mjs << 'JS'
import { setTimeout as sleep } from 'node:timers/promises';
import client from 'prom-client';

const summary = new client.Summary({ name: 'request_seconds', help: 'H.', percentiles: [0.5], maxAgeSeconds: 1, ageBuckets: 2 });
async function show(when) {
  const lines = (await client.register.metrics()).split('\n').filter((line) => /^request_seconds(\{|_count)/.test(line));
  console.log(`prom-client, ${when}: ${lines.join(', ')}`);
}
await show('before the first observation');
summary.observe(3);
await show('after one');
await sleep(2_500);
await show('when it has left the window');
JS
cat > go.mod << 'MOD'
module finding
go 1.25
require github.com/prometheus/client_golang v1.25.0
MOD
cat > main.go << 'GO'
package main

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

func main() {
	summary := prometheus.NewSummary(prometheus.SummaryOpts{
		Name: "request_seconds", Objectives: map[float64]float64{0.5: 0.05}, MaxAge: time.Second, AgeBuckets: 2,
	})
	show := func(when string) {
		var metric dto.Metric
		if err := summary.Write(&metric); err != nil {
			panic(err)
		}
		fmt.Printf("client_golang, %s: median %v, count %d\n", when, metric.Summary.Quantile[0].GetValue(), metric.Summary.GetSampleCount())
	}
	show("before the first observation")
	summary.Observe(3)
	show("after one")
	time.Sleep(2500 * time.Millisecond)
	show("when it has left the window")
}
GO
export GOFLAGS=-mod=mod
{ go mod tidy && go build -o summary .; } > go.log 2>&1 || { cat go.log; exit 1; }
echo 'prom-client 15.1.3, client_golang 1.25.0'
{
  node summary.mjs
  ./summary
} | tee seen.txt
diff seen.txt - << 'SEEN'
prom-client, before the first observation: request_seconds{quantile="0.5"} 0, request_seconds_count 0
prom-client, after one: request_seconds{quantile="0.5"} 3, request_seconds_count 1
prom-client, when it has left the window: request_seconds{quantile="0.5"} 0, request_seconds_count 1
client_golang, before the first observation: median NaN, count 0
client_golang, after one: median 3, count 1
client_golang, when it has left the window: median NaN, count 1
SEEN
