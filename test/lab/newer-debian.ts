import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { privateDirectory } from './guest-image.ts';
import { host } from './host.ts';
import { succeed } from './machine.ts';

/** The release of Debian whose packages are fetched, and never installed. */
const SUITE = 'forky';

/** Prometheus 3.5 LTS, and VictoriaMetrics, which no older Debian has. */
const PACKAGES = ['prometheus', 'promtool', 'victoria-metrics'];
const PROGRAMS = ['prometheus', 'promtool', 'victoria-metrics', 'vmagent', 'vmalert', 'vmalert-tool'] as const;

/** Where a program of the newer Debian is once {@link fetchNewerDebian} is done. */
export function newerDebianProgram(program: (typeof PROGRAMS)[number]): string {
  return join(keptIn(privateDirectory()), program);
}

/** Fetches the programs with apt, unless an earlier run has. They run beside the machine's own packages. */
export async function fetchNewerDebian(): Promise<void> {
  const cache = privateDirectory();
  const kept = keptIn(cache);
  if (existsSync(kept)) return;
  const work = mkdtempSync(join(cache, 'work-'));
  try {
    await succeed(host, FETCH(work), { timeoutMs: 300_000 });
    // Whole or not at all, also when two test runs fetch at once.
    if (!existsSync(kept)) renameSync(join(work, 'kept'), kept);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

const keptIn = (cache: string) => join(cache, `debian-${SUITE}-${PROGRAMS.length}`);

/** Lists and archives are below the work folder, so that the machine's own apt does not change. */
const FETCH = (work: string) => `
  set -e -o pipefail
  cd ${work}
  own=$(apt-get indextargets --format '$(REPO_URI)' 'Identifier: Packages' 'Origin: Debian' 'Label: Debian' | head -n 1)
  if [ -z "$own" ]; then
    apt-get -q update
    own=$(apt-get indextargets --format '$(REPO_URI)' 'Identifier: Packages' 'Origin: Debian' 'Label: Debian' | head -n 1)
  fi
  test -n "$own" || { echo 'apt has no source of Debian packages' >&2; exit 1; }
  mkdir -p lists/partial cache/archives/partial debs root kept
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $own ${SUITE} main" > sources.list
  newer() {
    apt-get -q -o Dir::Etc::sourcelist=${work}/sources.list -o Dir::Etc::sourceparts=/none \\
      -o Dir::State::lists=${work}/lists -o Dir::Cache=${work}/cache -o Acquire::Languages=none \\
      -o APT::Sandbox::User=root "$@"
  }
  for attempt in 1 2 3; do newer update && break; sleep 5; done
  cd debs
  newer download ${PACKAGES.map((name) => `${name}/${SUITE}`).join(' ')}
  for deb in *.deb; do dpkg-deb -x "$deb" ../root; done
  for program in ${PROGRAMS.join(' ')}; do mv ../root/usr/bin/$program ../kept/; done`;
