import { parseAcceptFile } from '../acceptance/accept-file.ts';
import { openFiles } from '../config-files/open-files.ts';
import { toError } from '../kernel/errno.ts';
import { PathProbes } from '../probes/path-probes.ts';
import { type CheckResult, defineCheck, type Remedies } from './check.ts';

/** What was found in the file of accepted findings. */
export interface AcceptFile {
  readonly path: string;
  /** Why the exporter cannot use it. */
  readonly error: string | undefined;
  readonly entries: number;
  /** The lines at which entries begin that have expired; 0 if a line is not known. */
  readonly expired: readonly number[];
}

/** Reads the file as the daemon does. Waits for a file system that does not answer, and then says so. */
export async function readAcceptFile(path: string, now = Date.now()): Promise<AcceptFile> {
  const probes = new PathProbes({ info() {}, warn() {} });
  try {
    using opened = await openFiles(path, { option: '--findings.accept-file', probes });
    const entries = parseAcceptFile(opened.files.text(path));
    const expired = entries.filter(({ until }) => now >= until).map(({ line }) => line ?? 0);
    return { path, error: undefined, entries: entries.length, expired };
  } catch (error) {
    return { path, error: toError(error).message, entries: 0, expired: [] };
  } finally {
    probes[Symbol.dispose]();
  }
}

/** Whether the file of accepted findings is valid, and whether entries have expired. */
export const acceptFile = defineCheck<AcceptFile | undefined>({
  name: 'accept file',
  read: ({ acceptFile: path }) => (path === undefined ? undefined : readAcceptFile(path)),
  judge(found): CheckResult {
    if (found === undefined) return { status: 'ok', message: 'not used' };
    const { path, error, entries, expired } = found;
    if (error !== undefined) {
      return {
        status: 'failed',
        message: `${path}: ${error}`,
        missing: 'everything: the exporter does not start with it; one that runs keeps the entries that it has',
        remedies: REMEDIES,
      };
    }
    const count = `${path}: ${entries} ${entries === 1 ? 'entry' : 'entries'}`;
    if (expired.length === 0) return { status: 'ok', message: count };
    const lines = expired.slice(0, MOST_LINES).join(', ');
    const more = expired.length > MOST_LINES ? ', …' : '';
    return { status: 'note', message: `${count}, ${expired.length} of them expired (line ${lines}${more})` };
  },
});

const MOST_LINES = 10;

const REMEDIES: Remedies = {
  shell: 'correct the file, or --findings.accept-file= to do without',
  systemd: 'correct the file, or --findings.accept-file= to do without',
  docker: 'correct the file, and mount its directory: -v /etc/isolation-exporter:/etc/isolation-exporter:ro',
  kubernetes: 'correct the ConfigMap, and mount it without subPath',
};
