/** Removes details about the machine and its users that no test needs from captured text. */
export type Redact = (text: string) => string;

/** Additional replacements. */
export interface RedactOptions {
  readonly hostname: string;
  readonly bootId: string | undefined;
  /** Directories and their names in the fixture: a lab's `/tmp/…/data` becomes `/var/lib/docker`. */
  readonly renames: readonly (readonly [from: string, to: string])[];
}

/** One boot id for all fixtures. */
const BOOT_ID = '00000000-0000-4000-8000-000000000000';

/** Below this length a host name is a common word or part of one (`vm`). */
const TELLING_LENGTH = 4;

/** Creates the function that redacts all captured text. */
export function redactor(options: RedactOptions): Redact {
  const replacements: (readonly [string | RegExp, string])[] = [
    ...options.renames.map(([from, to]) => [from, to] as const),
    [/\/home\/[^/\s\0]+/g, '/home/user'],
  ];
  if (options.bootId !== undefined) replacements.push([options.bootId, BOOT_ID]);
  if (options.hostname.length >= TELLING_LENGTH) replacements.push([options.hostname, 'host']);
  return (text) => replacements.reduce((done, [from, to]) => done.replaceAll(from, to), text);
}

/** The public part of a kernel release, without a suffix of the machine's owner. */
export function distributionsRelease(release: string): string {
  if (/-(amd64|arm64|generic|aws|azure|gcp|\w+\.x86_64)\s*$/.test(release)) return release;
  return release.replace(/^([\d.]+)\S*/, '$1');
}

/** Mount points of the kernel and of Docker. Others are private to the machine. */
const USUAL_MOUNTS = /^\/((proc|sys|dev|run\/docker|var\/lib\/docker)(\/.*)?|run|tmp)?$/;

/** Removes unneeded lines from the host's mount table, not from a container's. */
export function usualMounts(mountinfo: string): string {
  const lines = mountinfo.split('\n').filter((line) => USUAL_MOUNTS.test(line.split(' ')[4] ?? ''));
  return lines.map((line) => `${line}\n`).join('');
}

/** Keeps only the heading and Docker's sockets of `/proc/<pid>/net/unix`. */
export function usualSockets(text: string): string {
  const [heading = '', ...lines] = text.split('\n');
  return [heading, ...lines.filter((line) => line.endsWith('/docker.sock')), ''].join('\n');
}
