#!/usr/bin/env bash
# `sarif --check error` passes a file with 256 errors. Needs Python 3.
#
# `--check` makes sarif-tools the gate of a pipeline: its help promises an exit with an error code if there are issues of the level. The
# code is their number, of which the kernel keeps the lowest 8 bits: 256, 512 and 768 errors are exit code 0, while stderr says
# "exiting with return code 256". A scan of many containers for one rule gets to such numbers.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check sarif-tools==3.0.5 > pip.log 2>&1 || { cat pip.log; exit 1; }
cat > errors.py << 'PY'
import json, sys

number = int(sys.argv[1])
results = [
    {
        'ruleId': 'privileged',
        'level': 'error',
        'message': {'text': f'Container {index} is privileged'},
        'locations': [{'physicalLocation': {'artifactLocation': {'uri': f'docker/{index}'}, 'region': {'startLine': 1}}}],
    }
    for index in range(number)
]
with open(f'{number}.sarif', 'w') as file:
    json.dump({'version': '2.1.0', 'runs': [{'tool': {'driver': {'name': 'scanner'}}, 'results': results}]}, file)
PY
for number in 1 255 256 257; do python3 errors.py "$number"; done
echo 'sarif-tools 3.0.5'
for number in 1 255 256 257; do
  code=0
  venv/bin/sarif --check error summary "$number.sarif" > summary.txt 2>&1 || code=$?
  echo "$number errors: exit code $code"
done | tee seen.txt
diff seen.txt - << 'SEEN'
1 errors: exit code 1
255 errors: exit code 255
256 errors: exit code 0
257 errors: exit code 1
SEEN
