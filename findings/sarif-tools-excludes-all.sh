#!/usr/bin/env bash
# A filter of sarif-tools that excludes suppressed results excludes all results. Needs Python 3.
#
# In SARIF, a result that somebody has accepted stays in the file as suppressed, and one that is fixed can stay as absent. sarif-tools counts
# both as errors. To leave out the first, its documentation has a rule `suppression:` under `exclude`. But by default a rule matches
# all results that lack the property, as `default-include: true` is said to include them, and does so in the list of what to exclude. So
# nothing is left. The rule does what it says with `default-include: false`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check sarif-tools==3.0.5 > pip.log 2>&1 || { cat pip.log; exit 1; }
cat > results.py << 'PY'
import json

def result(rule, **properties):
    location = {'physicalLocation': {'artifactLocation': {'uri': 'docker/web'}, 'region': {'startLine': 1}}}
    return {'ruleId': rule, 'level': 'error', 'message': {'text': rule}, 'locations': [location], **properties}

results = [
    result('open', baselineState='unchanged'),
    result('accepted', baselineState='unchanged', suppressions=[{'kind': 'external', 'status': 'accepted'}]),
    result('fixed', baselineState='absent'),
]
with open('results.sarif', 'w') as file:
    json.dump({'version': '2.1.0', 'runs': [{'tool': {'driver': {'name': 'scanner'}}, 'results': results}]}, file)
PY
python3 results.py
printf 'exclude:\n  - suppression:\n' > exclude.yml
printf 'configuration:\n  default-include: false\nexclude:\n  - suppression:\n' > default.yml
# count ARGUMENTS...: the errors that it counts.
count() {
  local counted
  counted=$(venv/bin/sarif summary "$@" results.sarif 2> /dev/null)
  echo "${*:-no filter}: $(sed -n 's/^ - \(.*\): 1$/\1/p' <<< "$counted" | sort | paste -sd ' ')"
}
echo 'sarif-tools 3.0.5'
{
  count
  count --filter exclude.yml
  count --filter default.yml
} | tee seen.txt
diff seen.txt - << 'SEEN'
no filter: accepted fixed open
--filter exclude.yml: 
--filter default.yml: fixed open
SEEN
