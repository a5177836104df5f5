#!/usr/bin/env bash
# Go's expfmt writes OpenMetrics, and reads it as the old text format: counters lose their type, and seconds are read as milliseconds.
#
# github.com/prometheus/common/expfmt is what Go programs read expositions with. It has an encoder for OpenMetrics and no decoder:
# ResponseFormat knows only the old text and protobuf, and NewDecoder takes everything else for text, without an error. There the name of
# a counter in `# TYPE` has no `_total`, so the samples are of another, untyped family, without a help text. `# UNIT` is a comment. A time
# in whole seconds is read as milliseconds, which is in January 1970; only one with a fraction is an error.
set -euo pipefail
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work"
cat > go.mod << 'MOD'
module finding
go 1.25
require (
	github.com/prometheus/client_golang v1.23.2
	github.com/prometheus/client_model v0.6.2
	github.com/prometheus/common v0.67.5
)
MOD
cat > main.go << 'GO'
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// Reads what an HTTP response with this type contains.
func read(contentType string, body []byte) {
	fmt.Println(contentType)
	decoder := expfmt.NewDecoder(bytes.NewReader(body), expfmt.ResponseFormat(http.Header{"Content-Type": {contentType}}))
	for {
		var family dto.MetricFamily
		err := decoder.Decode(&family)
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			fmt.Println(" ", err)
			return
		}
		fmt.Printf("  %s %v, help %q", family.GetName(), family.GetType(), family.GetHelp())
		if at := family.Metric[0].TimestampMs; at != nil {
			fmt.Printf(", of %s", time.UnixMilli(*at).UTC().Format(time.DateOnly))
		}
		fmt.Println()
	}
}

func main() {
	registry := prometheus.NewRegistry()
	jobs := prometheus.NewCounter(prometheus.CounterOpts{Name: "jobs_total", Help: "Jobs."})
	registry.MustRegister(jobs)
	family := must(registry.Gather())[0]
	for _, format := range []expfmt.FormatType{expfmt.TypeTextPlain, expfmt.TypeOpenMetrics} {
		var written bytes.Buffer
		name := expfmt.NewFormat(format)
		encoder := expfmt.NewEncoder(&written, name)
		if err := encoder.Encode(family); err != nil {
			panic(err)
		}
		if closer, ok := encoder.(expfmt.Closer); ok {
			closer.Close()
		}
		read(string(name), written.Bytes())
	}
	openMetrics := string(expfmt.NewFormat(expfmt.TypeOpenMetrics))
	for _, at := range []string{"1764547200", "1764547200.5"} {
		read(openMetrics, []byte("# TYPE up gauge\nup 1 "+at+"\n# EOF\n"))
	}
}
GO
export GOFLAGS=-mod=mod
{ go mod tidy && go build -o finding .; } > go.log 2>&1 || { cat go.log; exit 1; }
echo 'prometheus/common v0.67.5, client_golang v1.23.2'
./finding | tee seen.txt
diff seen.txt - << 'SEEN'
text/plain; version=0.0.4; charset=utf-8
  jobs_total COUNTER, help "Jobs."
application/openmetrics-text; version=1.0.0; charset=utf-8
  jobs_total UNTYPED, help ""
application/openmetrics-text; version=1.0.0; charset=utf-8
  up GAUGE, help "", of 1970-01-21
application/openmetrics-text; version=1.0.0; charset=utf-8
  up GAUGE, help ""
  text format parsing error in line 2: expected integer as timestamp, got "1764547200.5"
SEEN
