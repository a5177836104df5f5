import type { Config, Environment } from '../config/config.ts';
import type { Place } from '../diagnose/check.ts';
import { checks } from '../diagnose/checks.ts';
import { type Finding, diagnose, isWell } from '../diagnose/diagnosis.ts';
import { PLACE_NAMES, findPlace } from '../diagnose/place.ts';
import { createSubject } from '../diagnose/subject.ts';
import { renderTable } from '../diagnose/table.ts';
import type { DiagnoseOutput, RemediesFor } from '../config/commands.ts';
import type { Version } from '../version.ts';

/** How the diagnosis is to be shown. */
export interface DiagnoseOptions {
  readonly output: DiagnoseOutput;
  readonly remedies: RemediesFor;
  readonly environment: Environment;
  readonly version: Version;
  readonly colour: 'on' | 'off';
}

/** Looks at what can be seen from here, and tells it. Answers whether all is well. */
export async function diagnoseHere(
  config: Config,
  options: DiagnoseOptions,
): Promise<{ readonly text: string; readonly well: boolean }> {
  const place = findPlace(options.environment);
  const findings = await diagnose(checks, createSubject(config));
  const well = isWell(findings);
  if (options.output === 'json') {
    const { name, version } = options.version;
    const json = { name, version, place, well, checks: findings };
    return { text: `${JSON.stringify(json, undefined, 2)}\n`, well };
  }
  return { text: tableOf(findings, place, options), well };
}

const PLACES: readonly Place[] = ['shell', 'systemd', 'docker', 'kubernetes'];

function tableOf(findings: readonly Finding[], place: Place, options: DiagnoseOptions): string {
  const { remedies, version, colour } = options;
  const places = remedies === 'here' ? [place] : remedies === 'all' ? PLACES : [remedies];
  const bad = findings.filter((finding) => !isWell([finding]));
  const others = PLACES.filter((other) => other !== place && other !== 'shell');
  return [
    `${version.name} ${version.version}, run ${PLACE_NAMES[place]}`,
    '',
    renderTable(findings, { places, colour }),
    bad.length === 0
      ? `All is well: ${findings.length} checks, and nothing is kept from the exporter.`
      : `${bad.length} of ${findings.length} checks found that something is kept from the exporter.`,
    ...(bad.length > 0 && remedies === 'here' ? [`Remedies elsewhere: --remedies ${others.join(', ')} or all.`] : []),
    '',
  ].join('\n');
}
