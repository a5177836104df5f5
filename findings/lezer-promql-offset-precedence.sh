#!/usr/bin/env bash
# Prometheus' grammar for editors takes `offset` and `@` after a binary operation for modifiers of the whole operation.
#
# In PromQL `offset` and `@` belong to the selector before them: in `a - b offset 1d` only `b` is of yesterday. That is what Prometheus
# computes. @prometheus-io/lezer-promql, the grammar of Prometheus' own web UI and of Grafana's query builder, parses the same text as
# `(a - b) offset 1d`, which the server would refuse. Whoever walks its tree (a linter, a builder that explains or rewrites queries)
# draws the wrong conclusion about `a`, and one that prints the tree with parentheses makes an invalid query. A selector alone, and
# one in parentheses, are parsed right.
set -euo pipefail
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work"
npm init --yes > npm.log
npm install --no-audit --no-fund @prometheus-io/lezer-promql@0.315.0 @lezer/common@1.5.5 @lezer/lr@1.4.8 @lezer/highlight@1.2.3 >> npm.log 2>&1 || { cat npm.log; exit 1; }
cat > lezer.mjs << 'JS'
import { parser } from '@prometheus-io/lezer-promql';

for (const query of ['a - b offset 1d', 'a - b @ 0', 'a - (b offset 1d)']) {
  const top = parser.parse(query).topNode.firstChild;
  console.log(`${query}: ${top.name} of ${top.firstChild.name}`);
}
JS
mkdir engine
cat > engine/go.mod << 'MOD'
module finding
go 1.24
require github.com/prometheus/prometheus v0.305.0
MOD
cat > engine/main.go << 'GO'
package main

import (
	"fmt"

	"github.com/prometheus/prometheus/promql/parser"
)

func main() {
	for _, query := range []string{"a - b offset 1d", "a - b @ 0", "(a - b) offset 1d"} {
		expression, err := parser.ParseExpr(query)
		if err != nil {
			fmt.Printf("%s: refused\n", query)
			continue
		}
		operation := expression.(*parser.BinaryExpr)
		fmt.Printf("%s: %s minus %s\n", query, operation.LHS, operation.RHS)
	}
}
GO
export GOFLAGS=-mod=mod
(cd engine && go mod tidy && go build -o finding .) > go.log 2>&1 || { cat go.log; exit 1; }
{
  echo 'lezer-promql 0.315.0:'
  node lezer.mjs
  echo 'Prometheus 3.5 (module 0.305.0):'
  engine/finding
} | tee seen.txt
diff seen.txt - << 'SEEN'
lezer-promql 0.315.0:
a - b offset 1d: OffsetExpr of BinaryExpr
a - b @ 0: StepInvariantExpr of BinaryExpr
a - (b offset 1d): BinaryExpr of VectorSelector
Prometheus 3.5 (module 0.305.0):
a - b offset 1d: a minus b offset 1d
a - b @ 0: a minus b @ 0.000
(a - b) offset 1d: refused
SEEN
