"""Reads an exposition with the parsers of Prometheus' client for Python, and prints a line of JSON for each sample.

Usage: read.py text|openmetrics FILE
"""

import json
import sys

from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics_parser

PARSERS = {
    "text": parser.text_string_to_metric_families,
    "openmetrics": openmetrics_parser.text_string_to_metric_families,
}

# The parser may not see other ends of lines than the file has.
with open(sys.argv[2], encoding="utf-8", newline="") as file:
    content = file.read()

for family in PARSERS[sys.argv[1]](content):
    for sample in family.samples:
        line = {"name": sample.name, "labels": sample.labels, "value": repr(sample.value), "type": family.type}
        if sample.timestamp is not None:
            line["timestamp"] = float(sample.timestamp)
        print(json.dumps(line))
