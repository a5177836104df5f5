import type { Config, Environment } from '../config/config.ts';
import type { Deployment } from '../diagnose/check.ts';
import { checks } from '../diagnose/checks.ts';
import { type CheckReport, diagnose, allPassed } from '../diagnose/diagnosis.ts';
import { DEPLOYMENT_NAMES, findDeployment } from '../diagnose/deployment.ts';
import { createCheckContext } from '../diagnose/check-context.ts';
import { renderCheckTable } from '../diagnose/check-table.ts';
import type { DiagnoseOutput, RemediesFor } from '../config/commands.ts';
import type { Version } from '../version.ts';

/** How to show the diagnosis. */
export interface DiagnoseOptions {
  readonly output: DiagnoseOutput;
  readonly remedies: RemediesFor;
  readonly environment: Environment;
  readonly version: Version;
  readonly colour: 'on' | 'off';
}

/** Runs all checks and renders the results. `passed`: all checks passed. */
export async function diagnoseHere(
  config: Config,
  options: DiagnoseOptions,
): Promise<{ readonly text: string; readonly passed: boolean }> {
  const deployment = findDeployment(options.environment);
  const reports = await diagnose(checks, createCheckContext(config));
  const passed = allPassed(reports);
  if (options.output === 'json') {
    const { name, version } = options.version;
    const json = { name, version, deployment, passed, checks: reports };
    return { text: `${JSON.stringify(json, undefined, 2)}\n`, passed };
  }
  return { text: tableOf(reports, deployment, options), passed };
}

const DEPLOYMENTS: readonly Deployment[] = ['shell', 'systemd', 'docker', 'kubernetes'];

function tableOf(reports: readonly CheckReport[], deployment: Deployment, options: DiagnoseOptions): string {
  const { remedies, version, colour } = options;
  const deployments = remedies === 'here' ? [deployment] : remedies === 'all' ? DEPLOYMENTS : [remedies];
  const failed = reports.filter((report) => !allPassed([report]));
  const others = DEPLOYMENTS.filter((other) => other !== deployment && other !== 'shell');
  return [
    `${version.name} ${version.version}, run ${DEPLOYMENT_NAMES[deployment]}`,
    '',
    renderCheckTable(reports, { deployments, colour }),
    failed.length === 0
      ? `All ${reports.length} checks passed.`
      : `${failed.length} of ${reports.length} checks failed.`,
    ...(failed.length > 0 && remedies === 'here'
      ? [`Remedies for other deployments: --remedies ${others.join(', ')} or all.`]
      : []),
    '',
  ].join('\n');
}
