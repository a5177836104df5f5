import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe } from 'vitest';
import { goDirectory, goTools, hasGo } from './go-tools.ts';
import { describeLive } from './live.ts';
import type { Part } from './parts.ts';

const MODULE = 'helm.sh/helm/v4@v4.3.1';

/** The path of Helm within {@link describeWithHelm}. */
export const HELM = join(goDirectory(MODULE), 'helm');

/** A suite that needs Helm. Building it takes minutes, so the suite only runs with `LAB=all`, or if an earlier run has built it. */
export function describeWithHelm(name: string, needs: readonly Part[], suite: () => void): void {
  if (!existsSync(HELM) && !(hasGo && process.env['LAB'] === 'all')) {
    describe.skip(`${name} [skipped: Helm takes long to build; LAB=all does, with Go]`, suite);
    return;
  }
  describeLive(name, needs, () => {
    beforeAll(() => goTools(MODULE, ['cmd/helm'], `-ldflags '-s -w'`), 1_800_000);
    suite();
  });
}
