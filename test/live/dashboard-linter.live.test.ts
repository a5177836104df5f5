import { beforeAll, describe, expect, test } from 'vitest';
import { boardFiles } from '../dashboards/board-files.ts';
import { changedGoTool } from '../lab/go-tools.ts';
import { describeWithGo } from '../lab/with-go.ts';
import { host } from '../lab/host.ts';
import { quote, succeed } from '../lab/machine.ts';

const LINTER = 'github.com/grafana/dashboard-linter@v0.2.0';

/**
 * Leaves out the readers of schema v2 boards and of Loki queries. Our boards have neither. Both readers need very large
 * modules, and some module proxies lack one of them.
 */
const LEAVE_OUT = `
  rm -f lint/*_test.go lint/v2*.go lint/rule_target_logql*.go
  sed -i /NewTargetLogQL/d lint/rules.go
  cat > lint/v2.go <<'END'
package lint

import (
	"encoding/json"
	"errors"
)

func isV2APIVersion(string) bool { return false }

func newDashboardFromV2(json.RawMessage, string) (Dashboard, error) {
	return Dashboard{}, errors.New("left out")
}
END
  go mod edit -droprequire github.com/grafana/loki/v3 -droprequire github.com/grafana/grafana/apps/dashboard`;

const directory = new URL('../../grafana/dashboards/', import.meta.url).pathname;

function suite(): void {
  let linter: string;
  beforeAll(async () => {
    linter = await changedGoTool(LINTER, LEAVE_OUT);
  });

  test.each(boardFiles().map(({ name }) => name))('has nothing to say about %s', async (name) => {
    const { code, stdout, stderr } = await host.run(`${linter} lint --strict ${quote(`${directory}${name}.json`)}`);
    expect({ code, said: stdout + stderr }).toEqual({ code: 0, said: expect.not.stringContaining('❌') });
  });

  test('would say if something were wrong', async () => {
    const file = await succeed(host, `mktemp --suffix .json`);
    const { code, stdout, stderr } = await host.run(
      `sed s/__rate_interval/__range/ ${quote(`${directory}container.json`)} > ${file}
      ${linter} lint --strict ${file}; code=$?; rm ${file}; exit $code`,
    );
    expect({ code, said: stdout + stderr }).toEqual({
      code: 1,
      said: expect.stringContaining('should use $__rate_interval'),
    });
  });
}

const NAME = "Grafana's dashboard-linter";

// Building it takes more than a minute. test/dashboards-linter.test.ts has the same rules.
if (process.env['LAB'] === 'all') describeWithGo(NAME, suite);
else describe.skip(`${NAME} [skipped: takes long to build; LAB=all does, with Go]`, suite);
