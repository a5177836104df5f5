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
  const cache = privateDirectory();
  const kept = keptIn(cache);
  if (existsSync(kept)) return;
  const work = mkdtempSync(join(cache, 'work-'));
  try {
    await succeed(host, FETCH(work), { timeoutMs: 300_000 });
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
