//! Reads an exposition with crates that others wrote, and prints a line of JSON for each sample.
//!
//! Usage: readers text|openmetrics FILE

use openmetrics_parser::{openmetrics, OpenMetricsValue};
use prometheus_parse::{Scrape, Value};
use serde_json::{json, Map};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let content = std::fs::read_to_string(&arguments[2]).expect("the file is UTF-8");
    match arguments[1].as_str() {
        "text" => read_text(&content),
        _ => read_openmetrics(&content),
    }
}

fn read_text(content: &str) {
    let lines = content.split('\n').map(|line| Ok(line.to_owned()));
    for sample in Scrape::parse(lines).expect("an exposition").samples {
        let labels: Vec<_> = sample.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let name = &sample.metric;
        match sample.value {
            Value::Counter(value) => print(name, &labels, value, "counter"),
            Value::Gauge(value) => print(name, &labels, value, "gauge"),
            Value::Untyped(value) => print(name, &labels, value, "untyped"),
            // The crate joins the buckets, and knows no type of the sum and of the count.
            Value::Histogram(_) => (),
            other => panic!("not expected: {other:?}"),
        }
    }
}

/// Prints label values as they are in the file: the crate does not replace escapes.
fn read_openmetrics(content: &str) {
    let exposition = openmetrics::parse_openmetrics(content).expect("an exposition");
    for (base, family) in &exposition.families {
        for sample in family.iter_samples() {
            let set = sample.get_labelset().expect("labels");
            let labels: Vec<_> = set.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            match &sample.value {
                OpenMetricsValue::Counter(counter) => {
                    print(&format!("{base}_total"), &labels, counter.value.as_f64(), "counter");
                    if let Some(created) = counter.created {
                        print(&format!("{base}_created"), &labels, created, "counter");
                    }
                }
                OpenMetricsValue::Gauge(value) => print(base, &labels, value.as_f64(), "gauge"),
                OpenMetricsValue::Unknown(value) => print(base, &labels, value.as_f64(), "unknown"),
                OpenMetricsValue::Info => print(&format!("{base}_info"), &labels, 1.0, "info"),
                OpenMetricsValue::Histogram(histogram) => {
                    for bucket in &histogram.buckets {
                        let le = format!("{:?}", bucket.upper_bound);
                        let labels = [labels.as_slice(), &[("le", le.as_str())]].concat();
                        print(&format!("{base}_bucket"), &labels, bucket.count.as_f64(), "histogram");
                    }
                    let sum = histogram.sum.expect("a sum").as_f64();
                    print(&format!("{base}_sum"), &labels, sum, "histogram");
                    let count = histogram.count.expect("a count") as f64;
                    print(&format!("{base}_count"), &labels, count, "histogram");
                }
                other => panic!("not expected: {other:?}"),
            }
        }
    }
}

fn print(name: &str, labels: &[(&str, &str)], value: f64, kind: &str) {
    let labels: Map<_, _> = labels.iter().map(|(name, value)| (name.to_string(), json!(value))).collect();
    // The shortest text that reads back as the same number.
    println!("{}", json!({ "name": name, "labels": labels, "value": format!("{value:?}"), "type": kind }));
}
