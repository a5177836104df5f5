import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const PROFILE = new URL('../../deploy/docker/seccomp.json', import.meta.url);
const UNIT = new URL('../../deploy/systemd/isolation-exporter.service', import.meta.url);

/** System calls that Node tries and works without. Both lists refuse them. */
export const REFUSED: ReadonlySet<string> = new Set(['io_uring_enter', 'io_uring_setup']);

/** The same for the unit only: without this call, it counts writable layers at its own priority. */
export const REFUSED_IN_UNIT: ReadonlySet<string> = new Set([...REFUSED, 'setpriority']);

/** The same for the profile of the image only, which cannot check the flags of clone3. */
export const REFUSED_IN_IMAGE: ReadonlySet<string> = new Set([...REFUSED, 'clone3']);

interface Rule {
  readonly names: readonly string[];
  readonly action: string;
}

/** The system calls that the profile of the image allows, with any argument or with some. */
export function allowedInImage(): ReadonlySet<string> {
  const { syscalls } = JSON.parse(readFileSync(PROFILE, 'utf8')) as { readonly syscalls: readonly Rule[] };
  return new Set(syscalls.filter(({ action }) => action === 'SCMP_ACT_ALLOW').flatMap(({ names }) => names));
}

/** The system calls that the unit allows, as the systemd of this machine knows its sets. */
export function allowedInUnit(): ReadonlySet<string> {
  const text = readFileSync(UNIT, 'utf8');
  const words = [...text.matchAll(/^SystemCallFilter=(.*)$/gm)].flatMap(([, line = '']) => line.split(' '));
  return new Set(words.flatMap((word) => (word.startsWith('@') ? callsOf(word) : word)));
}

/** The system calls of a set, which can contain others. */
function callsOf(set: string): readonly string[] {
  const lines = execFileSync('systemd-analyze', ['syscall-filter', set], { encoding: 'utf8' }).split('\n').slice(1);
  const words = lines.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'));
  return words.flatMap((word) => (word.startsWith('@') ? callsOf(word) : word));
}
