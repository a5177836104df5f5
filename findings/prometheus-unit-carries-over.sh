#!/usr/bin/env bash
# With type and unit labels, Prometheus gives the unit of one OpenMetrics family to all that follow it.
#
# UNIT is optional in OpenMetrics, family by family. Prometheus' parser remembers the last `# UNIT` line and forgets it at
# the next one, not at the next family. With the feature type-and-unit-labels a family without a unit so gets the label
# __unit__ of whichever family with one came before it in the exposition: an info family is in bytes, and its series
# changes its labels when an exporter changes the order of its families. An exporter must give each family a unit or none.
set -euo pipefail
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work"
export GOTOOLCHAIN=go1.27.3 GOFLAGS=-mod=mod
cat > go.mod << 'MOD'
module finding
go 1.27
require github.com/prometheus/prometheus v0.316.0
MOD
cat > main.go << 'GO'
package main

import (
	"fmt"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
)

const exposition = `# TYPE memory_usage_bytes gauge
# UNIT memory_usage_bytes bytes
memory_usage_bytes 1
# TYPE processes gauge
processes 1
# TYPE build info
build_info{version="1"} 1
# EOF
`

func main() {
	options := textparse.ParserOptions{EnableTypeAndUnitLabels: true}
	parser, err := textparse.New([]byte(exposition), "application/openmetrics-text; version=1.0.0", labels.NewSymbolTable(), options)
	if err != nil {
		panic(err)
	}
	for entry, err := parser.Next(); err == nil; entry, err = parser.Next() {
		if entry == textparse.EntrySeries {
			var series labels.Labels
			parser.Labels(&series)
			fmt.Println(series)
		}
	}
}
GO
go mod tidy > go.log 2>&1 || { cat go.log; exit 1; }
go build -o finding . >> go.log 2>&1 || { cat go.log; exit 1; }
echo 'github.com/prometheus/prometheus v0.316.0 (Prometheus 3.16)'
./finding | tee seen.txt
# Seen:
#   {__name__="memory_usage_bytes", __type__="gauge", __unit__="bytes"}
#   {__name__="processes", __type__="gauge", __unit__="bytes"}
#   {__name__="build_info", __type__="info", __unit__="bytes", version="1"}
grep -qxF '{__name__="processes", __type__="gauge", __unit__="bytes"}' seen.txt
grep -qxF '{__name__="build_info", __type__="info", __unit__="bytes", version="1"}' seen.txt
