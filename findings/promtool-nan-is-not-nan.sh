#!/usr/bin/env bash
# promtool test rules fails where NaN was expected and NaN came: "exp NaN, got NaN".
#
# A ratio such as hits / requests is NaN while there are no requests. A unit test of such a rule cannot say so: YAML's `.nan` is read as the
# value, and then compared with `==`, by which NaN equals nothing. (`NaN`, as PromQL writes it, is refused, as it is a string in YAML.) A test has to
# ask another question, such as `count(ratio != ratio)`: only NaN differs from itself, in PromQL too.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
version=2.42.0+ds-5+deb12u1
apt-get download "prometheus=$version" > apt.log 2>&1 || { apt-get update >> apt.log && apt-get download "prometheus=$version" >> apt.log; }
dpkg -x prometheus_*.deb .
cat > rules.yml << 'YAML'
groups:
  - name: ratios
    rules: [{ record: ratio, expr: hits / requests }]
YAML

# try EXPRESSION VALUE: a test that expects it.
try() {
  cat > test.yml << YAML
rule_files: [rules.yml]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series: [{ series: hits, values: '0 0' }, { series: requests, values: '0 0' }]
    promql_expr_test: [{ expr: '$1', eval_time: 1m, exp_samples: [{ labels: '{${3-}}', value: $2 }] }]
YAML
  echo "$1, expected $2: $(usr/bin/promtool test rules test.yml 2>&1 | sed -n 's/^ *//; /SUCCESS\|exp:\|got:\|cannot unmarshal/p' | tr '\n' ' ')"
}
usr/bin/promtool --version 2>&1 | head -n 1 | cut -d ' ' -f 1-3
{
  try ratio .nan '__name__="ratio"'
  try ratio NaN '__name__="ratio"'
  try 'count(ratio != ratio)' 1
} | tee seen.txt
diff seen.txt - << 'SEEN'
ratio, expected .nan: exp: {__name__="ratio"} NaN got: {__name__="ratio"} NaN 
ratio, expected NaN: line 6: cannot unmarshal !!str `NaN` into float64 
count(ratio != ratio), expected 1: SUCCESS 
SEEN
