/** Changes captured text where it would tell of the machine and its people what no test needs. */
export type Redact = (text: string) => string;

/** What to change besides what is always changed. */
export interface RedactOptions {
  readonly hostname: string;
  readonly bootId: string | undefined;
  /** Directories and what they are called in the fixture: a lab's `/tmp/…/data` becomes `/var/lib/docker`. */
  readonly renames: readonly (readonly [from: string, to: string])[];
}

/** One boot id for all fixtures. */
const BOOT_ID = '00000000-0000-4000-8000-000000000000';

/** Below this length a host name is a common word or part of one (`vm`). */
const TELLING_LENGTH = 4;

/** Makes the function that all captured text goes through. */
export function redactor(options: RedactOptions): Redact {
  const replacements: (readonly [string | RegExp, string])[] = [
    ...options.renames.map(([from, to]) => [from, to] as const),
    [/\/home\/[^/\s\0]+/g, '/home/user'],
  ];
  if (options.bootId !== undefined) replacements.push([options.bootId, BOOT_ID]);
  if (options.hostname.length >= TELLING_LENGTH) replacements.push([options.hostname, 'host']);
  return (text) => replacements.reduce((done, [from, to]) => done.replaceAll(from, to), text);
}

/** A kernel's release as far as it is a public one: what a machine's owner appended to it is left out. */
export function distributionsRelease(release: string): string {
  if (/-(amd64|arm64|generic|aws|azure|gcp|\w+\.x86_64)\s*$/.test(release)) return release;
  return release.replace(/^([\d.]+)\S*/, '$1');
}

/** Where a host has something mounted that is the kernel's or Docker's. The rest is the machine's own affair. */
const USUAL_MOUNTS = /^\/((proc|sys|dev|run\/docker|var\/lib\/docker)(\/.*)?|run|tmp)?$/;

/** Leaves out of a host's mount table (not of a container's) what no reader has a use for. */
export function usualMounts(mountinfo: string): string {
  const lines = mountinfo.split('\n').filter((line) => USUAL_MOUNTS.test(line.split(' ')[4] ?? ''));
  return lines.map((line) => `${line}\n`).join('');
}

/** Leaves out of `/proc/<pid>/net/unix` all but the heading and the sockets of Docker. */
export function usualSockets(text: string): string {
  const [heading = '', ...lines] = text.split('\n');
  return [heading, ...lines.filter((line) => line.endsWith('/docker.sock')), ''].join('\n');
}
