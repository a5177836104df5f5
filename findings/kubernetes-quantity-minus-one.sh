#!/usr/bin/env bash
# A Kubernetes quantity of 18446744073709551615 is -1, and one above 8.2Pi is negative or 0 in thousandths.
#
# The documentation of resource.Quantity says that numbers above 2^63-1 are capped. With a suffix they are (16Ei). A plain decimal
# number is not: 2^64-1, which is what libraries report for the `max` of a cgroup file, prints as itself, compares as a positive number, and
# has the Value() -1. MilliValue() wraps round without an error, as its comment warns: the 9223372036854771712 with which cgroup v1
# says "no limit" is -4096000, and 1E is 0. So a limit that is compared or added up in these units looks smaller than every use of it.
set -euo pipefail
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work"
cat > go.mod << 'MOD'
module finding
go 1.25
require k8s.io/apimachinery v0.34.1
MOD
cat > main.go << 'GO'
package main

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/resource"
)

func main() {
	zero := resource.MustParse("0")
	for _, text := range []string{"64Mi", "16Ei", "18446744073709551615", "9223372036854771712", "9Pi", "1E"} {
		quantity, err := resource.ParseQuantity(text)
		if err != nil {
			panic(err)
		}
		fmt.Printf("%s: prints %s, sign %d, compared with 0: %d, Value %d, MilliValue %d\n", text, &quantity, quantity.Sign(),
			quantity.Cmp(zero), quantity.Value(), quantity.MilliValue())
	}
}
GO
export GOFLAGS=-mod=mod
{ go mod tidy && go build -o finding .; } > go.log 2>&1 || { cat go.log; exit 1; }
echo 'k8s.io/apimachinery v0.34.1 (Kubernetes 1.34)'
./finding | tee seen.txt
diff seen.txt - << 'SEEN'
64Mi: prints 64Mi, sign 1, compared with 0: 1, Value 67108864, MilliValue 67108864000
16Ei: prints 9223372036854775807, sign 1, compared with 0: 1, Value 9223372036854775807, MilliValue -1000
18446744073709551615: prints 18446744073709551615, sign 1, compared with 0: 1, Value -1, MilliValue -1000
9223372036854771712: prints 9223372036854771712, sign 1, compared with 0: 1, Value 9223372036854771712, MilliValue -4096000
9Pi: prints 9Pi, sign 1, compared with 0: 1, Value 10133099161583616, MilliValue -8313644912125935616
1E: prints 1E, sign 1, compared with 0: 1, Value 1000000000000000000, MilliValue 0
SEEN
