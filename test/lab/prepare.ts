import { accessSync, constants } from 'node:fs';
import { host } from './host.ts';
import { succeed } from './machine.ts';
import { PARTS, RECIPES } from './parts.ts';
import type { Part } from './parts.ts';

/** Why parts are missing. A part that is absent here is ready. */
export type Missing = Partial<Record<Part, Reason>>;

/** Why a part is not ready. */
interface Reason {
  /** `unfit`: this machine cannot be prepared; `failed`: the preparation failed. */
  readonly kind: 'unfit' | 'failed';
  readonly text: string;
}

/**
 * Installs parts that only consist of programs. If they are already installed, they work on any machine and for any
 * user.
 */
export async function prepareTools(parts: readonly Part[]): Promise<Missing> {
  const absent: Part[] = [];
  for (const part of parts) if (RECIPES[part].fetch !== undefined || !(await probe(part))) absent.push(part);
  return prepareLab(absent);
}

/** Installs what the live suites need, if this machine allows it. Installs only missing packages. */
export async function prepareLab(parts: readonly Part[] = PARTS): Promise<Missing> {
  const unfit = unfitness();
  if (unfit !== undefined) return Object.fromEntries(parts.map((part) => [part, { kind: 'unfit', text: unfit }]));

  const missing: Missing = {};
  const toInstall: Part[] = [];
  for (const part of parts) {
    if (part.startsWith('guest') && process.arch !== 'x64') {
      missing[part] = { kind: 'unfit', text: 'the guest is an x86-64 machine' };
    } else if (RECIPES[part].long === true && process.env['LAB'] !== 'all') {
      missing[part] = { kind: 'unfit', text: `${part} takes long; LAB=all prepares it` };
    } else if (!(await probe(part))) {
      toInstall.push(part);
    }
  }
  if (toInstall.length > 0) Object.assign(missing, await install(toInstall));
  const fetchPart = async (part: Part): Promise<void> => {
    try {
      await RECIPES[part].fetch?.();
    } catch (error) {
      missing[part] = { kind: 'failed', text: `${part} cannot be fetched: ${lastLine(error)}` };
    }
  };
  // At once: each waits for the mirror or unpacks on one processor.
  await Promise.all(parts.filter((part) => missing[part] === undefined).map(fetchPart));
  return inherit(missing);
}

function unfitness(): string | undefined {
  if (process.env['LAB'] === 'off') return 'LAB=off';
  if (process.platform !== 'linux') return 'needs Linux';
  if (process.getuid?.() !== 0) return 'needs root';
  try {
    accessSync('/usr/bin/apt-get', constants.X_OK);
  } catch {
    return 'needs Debian or a kin of it (apt-get)';
  }
  return undefined;
}

async function probe(part: Part): Promise<boolean> {
  return (await host.run(RECIPES[part].probe)).code === 0;
}

/** Installs parts: all at once if possible, otherwise one by one to find the unavailable ones. */
async function install(parts: readonly Part[]): Promise<Missing> {
  const update = await host.run(APT_UPDATE, { timeoutMs: 300_000 });
  const known = async (name: string) => (await host.run(`apt-cache show ${name}`)).code === 0;
  const packagesOf = async (part: Part) => {
    const packages = [...RECIPES[part].packages];
    for (const name of RECIPES[part].packagesIfKnown ?? []) if (await known(name)) packages.push(name);
    return packages;
  };
  const all = (await Promise.all(parts.map(packagesOf))).flat();
  const together = await host.run(APT_INSTALL(all), { timeoutMs: 900_000 });

  const missing: Missing = {};
  for (const part of parts) {
    let outcome = together;
    if (together.code !== 0) outcome = await host.run(APT_INSTALL(await packagesOf(part)), { timeoutMs: 600_000 });
    if (!(await probe(part))) {
      const why = outcome.code === 0 ? 'its packages lack a program' : lastLine(outcome.stderr || update.stderr);
      missing[part] = { kind: 'failed', text: `${part} cannot be installed: ${why}` };
    }
  }
  return missing;
}

/** A part is missing if a part that it depends on is. */
function inherit(missing: Missing): Missing {
  for (const part of PARTS) {
    const cause = RECIPES[part].parts?.map((needed) => missing[needed]).find((reason) => reason !== undefined);
    if (missing[part] === undefined && cause !== undefined) missing[part] = cause;
  }
  return missing;
}

function lastLine(problem: unknown): string {
  const text = problem instanceof Error ? problem.message : String(problem);
  return text.trim().split('\n').at(-1) ?? '';
}

/** Retries twice if the mirror is unreachable. */
const APT_UPDATE = `
  for attempt in 1 2 3; do
    apt-get -q -o DPkg::Lock::Timeout=300 update && exit 0
    sleep 5
  done
  exit 1`;

/**
 * While a file named policy-rc.d exits with 101, maintainer scripts start no daemons. The suites start their own, and
 * the machine is left as it was.
 */
const APT_INSTALL = (packages: readonly string[]) => `
  if [ ! -e /usr/sbin/policy-rc.d ]; then
    printf '#!/bin/sh\\nexit 101\\n' > /usr/sbin/policy-rc.d
    chmod +x /usr/sbin/policy-rc.d
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
  fi
  export DEBIAN_FRONTEND=noninteractive
  for attempt in 1 2; do
    apt-get -q -o DPkg::Lock::Timeout=300 install -y --no-install-recommends ${packages.join(' ')} && exit 0
    sleep 5
  done
  exit 1`;

/** Ends guests of earlier runs whose process is gone but whose directory still exists. */
export async function cleanUpOrphanedGuests(): Promise<void> {
  await succeed(
    host,
    `for directory in /tmp/isolation-exporter-live-*; do
      [ -e "$directory/owner" ] || continue
      kill -0 "$(cat "$directory/owner")" 2>/dev/null && continue
      for pid in $(cat "$directory"/*/qemu.pid 2>/dev/null); do
        grep -qsa -- "$directory" "/proc/$pid/cmdline" && kill -KILL "$pid"
      done
      rm -rf "$directory"
    done
    true`,
  );
}
