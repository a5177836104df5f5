// Reads an exposition with the parsers of Prometheus, and prints a line of JSON for each sample.
//
// Usage: readers textparse|expfmt text|openmetrics FILE
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
)

type sample struct {
	Name      string            `json:"name"`
	Labels    map[string]string `json:"labels"`
	Value     string            `json:"value"`
	Type      string            `json:"type"`
	Timestamp *int64            `json:"timestamp,omitempty"`
}

var out = json.NewEncoder(os.Stdout)

func main() {
	content, err := os.ReadFile(os.Args[3])
	must(err)
	if os.Args[1] == "expfmt" {
		readExpfmt(content)
	} else {
		readTextparse(content, os.Args[2])
	}
}

func readTextparse(content []byte, format string) {
	contentType := map[string]string{
		"text":        "text/plain; version=0.0.4",
		"openmetrics": "application/openmetrics-text; version=1.0.0",
	}[format]
	parser, err := textparse.New(content, contentType, labels.NewSymbolTable(), textparse.ParserOptions{})
	must(err)
	kind := ""
	for {
		entry, err := parser.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		must(err)
		switch entry {
		case textparse.EntryType:
			_, found := parser.Type()
			kind = string(found)
		case textparse.EntrySeries:
			_, timestamp, value := parser.Series()
			var series labels.Labels
			parser.Labels(&series)
			pairs := series.Map()
			name := pairs[labels.MetricName]
			delete(pairs, labels.MetricName)
			print(name, pairs, value, kind, timestamp)
		case textparse.EntryHistogram:
			must(errors.New("a native histogram"))
		}
	}
}

func readExpfmt(content []byte) {
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(content))
	must(err)
	for name, family := range families {
		kind := strings.ToLower(family.GetType().String())
		for _, metric := range family.GetMetric() {
			add := func(suffix string, value float64, label, number string) {
				pairs := map[string]string{}
				for _, pair := range metric.GetLabel() {
					pairs[pair.GetName()] = pair.GetValue()
				}
				if label != "" {
					pairs[label] = number
				}
				print(name+suffix, pairs, value, kind, metric.TimestampMs)
			}
			switch family.GetType() {
			case dto.MetricType_COUNTER:
				add("", metric.GetCounter().GetValue(), "", "")
			case dto.MetricType_GAUGE:
				add("", metric.GetGauge().GetValue(), "", "")
			case dto.MetricType_UNTYPED:
				add("", metric.GetUntyped().GetValue(), "", "")
			case dto.MetricType_HISTOGRAM:
				histogram := metric.GetHistogram()
				for _, bucket := range histogram.GetBucket() {
					add("_bucket", float64(bucket.GetCumulativeCount()), "le", text(bucket.GetUpperBound()))
				}
				add("_sum", histogram.GetSampleSum(), "", "")
				add("_count", float64(histogram.GetSampleCount()), "", "")
			default:
				must(fmt.Errorf("no samples of type %s are expected", kind))
			}
		}
	}
}

func print(name string, pairs map[string]string, value float64, kind string, timestamp *int64) {
	must(out.Encode(sample{name, pairs, text(value), kind, timestamp}))
}

// The shortest text that reads back as the same number.
func text(value float64) string {
	if math.IsInf(value, 0) {
		return fmt.Sprintf("%+f", value)
	}
	return strconv.FormatFloat(value, 'g', -1, 64)
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
