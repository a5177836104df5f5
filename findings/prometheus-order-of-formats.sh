#!/usr/bin/env bash
# The clients for Python and Java ignore the order of formats that Prometheus asks for. Needs Python 3, a JDK and Maven.
#
# `scrape_protocols` is a list by preference; Prometheus sends it as q values, `Accept: text/plain;version=0.0.4;q=0.6,
# application/openmetrics-text;…;q=0.5,*/*;q=0.4`. Python's prometheus_client takes OpenMetrics wherever it finds its name in the header, and
# the Java client does the same, with Protobuf before it, also with q=0, "not acceptable". So who puts the text format first to be rid of
# `_created` series, or because OpenMetrics renames counters, still gets OpenMetrics, unless it is taken off the list. client_golang follows the
# order, but also takes an only format with q=0.
set -euo pipefail
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work"
mkdir go java
cat > go/go.mod << 'MOD'
module finding
go 1.24
require github.com/prometheus/prometheus v0.305.0
MOD
cat > go/main.go << 'GO'
package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/metadata"
	"github.com/prometheus/prometheus/scrape"
	"github.com/prometheus/prometheus/storage"
)

// Without an argument prints the Accept header of a scrape, otherwise what client_golang answers to that header.
func main() {
	if len(os.Args) > 1 {
		fmt.Println(expfmt.NegotiateIncludingOpenMetrics(http.Header{"Accept": {os.Args[1]}}))
		return
	}
	headers := make(chan string, 10)
	target := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { headers <- r.Header.Get("Accept") }))
	settings, err := config.Load(`
global: { scrape_interval: 1s, scrape_timeout: 1s }
scrape_configs:
  - { job_name: target, scrape_protocols: [PrometheusText0.0.4, OpenMetricsText1.0.0] }
`, promslog.NewNopLogger())
	if err != nil {
		panic(err)
	}
	manager, err := scrape.NewManager(&scrape.Options{}, promslog.NewNopLogger(), nil, nowhere{}, prometheus.NewRegistry())
	if err != nil {
		panic(err)
	}
	if err := manager.ApplyConfig(settings); err != nil {
		panic(err)
	}
	targets := make(chan map[string][]*targetgroup.Group, 1)
	address := model.LabelValue(target.Listener.Addr().String())
	targets <- map[string][]*targetgroup.Group{"target": {{Targets: []model.LabelSet{{model.AddressLabel: address}}}}}
	go manager.Run(targets)
	fmt.Println(<-headers)
}

// Storage that keeps nothing.
type nowhere struct{}

type (
	ref = storage.SeriesRef
	hf  = histogram.FloatHistogram
	hi  = histogram.Histogram
)

func (nowhere) Appender(context.Context) storage.Appender                                    { return nowhere{} }
func (nowhere) Append(ref, labels.Labels, int64, float64) (ref, error)                       { return 0, nil }
func (nowhere) AppendExemplar(ref, labels.Labels, exemplar.Exemplar) (ref, error)            { return 0, nil }
func (nowhere) AppendHistogram(ref, labels.Labels, int64, *hi, *hf) (ref, error)             { return 0, nil }
func (nowhere) AppendHistogramCTZeroSample(ref, labels.Labels, int64, int64, *hi, *hf) (ref, error) { return 0, nil }
func (nowhere) AppendCTZeroSample(ref, labels.Labels, int64, int64) (ref, error)             { return 0, nil }
func (nowhere) UpdateMetadata(ref, labels.Labels, metadata.Metadata) (ref, error)            { return 0, nil }
func (nowhere) SetOptions(*storage.AppendOptions)                                            {}
func (nowhere) Commit() error                                                                { return nil }
func (nowhere) Rollback() error                                                              { return nil }
GO
export GOFLAGS=-mod=mod
(cd go && go mod tidy && go build -o finding .) > go.log 2>&1 || { cat go.log; exit 1; }

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check prometheus_client==0.26.0 > pip.log 2>&1 || { cat pip.log; exit 1; }
cat > choose.py << 'PY'
import sys
from prometheus_client.exposition import choose_encoder

print(choose_encoder(sys.argv[1])[1])
PY

cat > java/pom.xml << 'XML'
<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>finding</groupId>
  <artifactId>finding</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>io.prometheus</groupId>
      <artifactId>prometheus-metrics-exposition-textformats</artifactId>
      <version>1.4.3</version>
    </dependency>
  </dependencies>
</project>
XML
cat > java/Choose.java << 'JAVA'
import io.prometheus.metrics.expositionformats.ExpositionFormats;

class Choose {
  public static void main(String[] arguments) {
    System.out.println(ExpositionFormats.init().findWriter(arguments[0]).getContentType());
  }
}
JAVA
(cd java && mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib && javac -cp 'lib/*' Choose.java) > java.log 2>&1 || { cat java.log; exit 1; }

ask() {
  echo "Accept: $1"
  echo "  client_golang (prometheus/common 0.65): $(go/finding "$1")"
  echo "  prometheus_client 0.26.0 (Python): $(venv/bin/python choose.py "$1")"
  echo "  client_java 1.4.3: $(java -cp 'java/lib/*:java' Choose "$1")"
}
{
  ask "$(go/finding)"
  ask 'text/plain;version=0.0.4,application/openmetrics-text;q=0'
  ask 'application/openmetrics-text;q=0'
} | tee seen.txt
diff seen.txt - << 'SEEN'
Accept: text/plain;version=0.0.4;q=0.6,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,*/*;q=0.4
  client_golang (prometheus/common 0.65): text/plain; version=0.0.4; charset=utf-8; escaping=underscores
  prometheus_client 0.26.0 (Python): application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8
  client_java 1.4.3: application/openmetrics-text; version=1.0.0; charset=utf-8
Accept: text/plain;version=0.0.4,application/openmetrics-text;q=0
  client_golang (prometheus/common 0.65): text/plain; version=0.0.4; charset=utf-8; escaping=underscores
  prometheus_client 0.26.0 (Python): application/openmetrics-text; version=1.0.0; charset=utf-8
  client_java 1.4.3: application/openmetrics-text; version=1.0.0; charset=utf-8
Accept: application/openmetrics-text;q=0
  client_golang (prometheus/common 0.65): application/openmetrics-text; version=0.0.1; charset=utf-8; escaping=underscores
  prometheus_client 0.26.0 (Python): application/openmetrics-text; version=1.0.0; charset=utf-8
  client_java 1.4.3: application/openmetrics-text; version=1.0.0; charset=utf-8
SEEN
