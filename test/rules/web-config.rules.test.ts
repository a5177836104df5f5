import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { readWebRules } from '../../src/web/web-rules.ts';
import { goSources } from '../lab/go-tools.ts';
import { describeWithGo } from '../lab/with-go.ts';
import { host } from '../lab/host.ts';
import { quote } from '../lab/machine.ts';
import { newerDebianProgram } from '../lab/newer-debian.ts';
import { describeLive } from '../lab/live.ts';

/**
 * The library with which exporters and Prometheus read a web configuration. Its test data is downloaded, and not kept
 * in the repository.
 */
const TOOLKIT = 'github.com/prometheus/exporter-toolkit@v0.20.0';

const silent = { debug() {}, info() {}, warn() {}, error() {} };

describeLive('a web configuration file of exporter-toolkit', ['newer-debian'], () => {
  describeWithGo('from its own tests', () => {
    let folder: string;
    let files: readonly string[];
    beforeAll(async () => {
      folder = join(await goSources(TOOLKIT), 'web/testdata');
      files = readdirSync(folder).filter((name) => /\.ya?ml$/.test(name));
    }, 300_000);

    const complaintOf = (file: string): string | undefined => {
      try {
        readWebRules(join(folder, file), silent);
        return undefined;
      } catch (error) {
        return error instanceof Error ? error.message : String(error);
      }
    };

    test('is accepted and refused as promtool does', async () => {
      const refused = await host.run(
        `cd ${quote(folder)} && for file in *.yml *.yaml; do
          ${newerDebianProgram('promtool')} check web-config "$file" >/dev/null 2>&1 || echo "$file"
        done`,
      );
      const byToolkit = refused.stdout.trim().split('\n');
      expect(byToolkit.length).toBeGreaterThan(15);
      const byUs = files.filter((file) => complaintOf(file) !== undefined);
      expect(byUs.toSorted()).toEqual(byToolkit.toSorted());
    });

    test('is refused in one line that names the setting, if there is one', () => {
      for (const file of files) {
        const complaint = complaintOf(file);
        if (complaint !== undefined)
          expect(complaint).toMatch(
            /^[^\n]+: (tls_server_config|http_server_config|basic_auth_users|expected settings with names)[^\n]*$/,
          );
      }
    });
  });
});
