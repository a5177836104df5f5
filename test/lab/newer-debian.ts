import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { APT_OF_RELEASE } from './debian-release.ts';
import { host } from './host.ts';
import { privateDirectory } from './kept.ts';
import { succeed } from './machine.ts';

/** The release of Debian whose packages are fetched, and never installed. */
const RELEASE = 'forky';

/** Prometheus 3.5 LTS, and what no older Debian has: VictoriaMetrics, version 2 of Compose, Kustomize. */
const PACKAGES = ['prometheus', 'promtool', 'victoria-metrics', 'docker-compose', 'kustomize'];
const PROGRAMS = [
  'prometheus',
  'promtool',
  'victoria-metrics',
  'vmagent',
  'vmalert',
  'vmalert-tool',
  'docker-compose',
  'kustomize',
] as const;

/** The path of a program of the newer Debian, after {@link fetchNewerDebian}. */
export function newerDebianProgram(program: (typeof PROGRAMS)[number]): string {
  return join(keptIn(privateDirectory()), program);
}

/** Downloads the programs with apt, unless an earlier run has done so. They run beside the machine's own packages. */
export async function fetchNewerDebian(): Promise<void> {
  await keepFrom(keptIn(privateDirectory()), FETCH);
}

/**
 * Makes a directory in the cache, unless an earlier run has done so.
 *
 * @param script bash that makes `kept` in a work folder.
 */
export async function keepFrom(kept: string, script: (work: string) => string): Promise<void> {
  if (existsSync(kept)) return;
  const work = mkdtempSync(join(privateDirectory(), 'work-'));
  try {
    await succeed(host, script(work), { timeoutMs: 300_000 });
    // Atomically, also when two test runs fetch at once.
    if (!existsSync(kept)) renameSync(join(work, 'kept'), kept);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

const keptIn = (cache: string) => join(cache, `debian-${RELEASE}-${PROGRAMS.length}`);

const FETCH = (work: string) => `
  ${APT_OF_RELEASE(work, RELEASE)}
  mkdir -p debs root kept
  cd debs
  of_release apt-get download ${PACKAGES.map((name) => `${name}/${RELEASE}`).join(' ')}
  for deb in *.deb; do dpkg-deb -x "$deb" ../root; done
  for program in ${PROGRAMS.join(' ')}; do mv "$(find ../root/usr -type f -path '*bin/*' -name $program -o -type f -path '*/cli-plugins/*' -name $program)" ../kept/; done`;
