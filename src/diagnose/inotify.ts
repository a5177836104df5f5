import { readFileSync, readdirSync, readlinkSync, watch } from 'node:fs';
import { absentAsUndefined, errnoOf, isDenied, unseenAsUndefined } from '../kernel/errno.ts';
import { parseProcStatus } from '../kernel/proc-status.ts';
import { defineCheck, onTheHost, type CheckResult } from './check.ts';

/** The share of a limit above which the check warns. */
const NEARLY_ALL = 0.8;

/** Whether the kernel grants inotify watches, and how many its user has left. */
export const inotify = defineCheck({
  name: 'inotify',
  read: ({ procfs, own, layout, containers }) => ({
    maxInstances: limitAt(`${procfs}/sys/fs/inotify/max_user_instances`),
    maxWatches: limitAt(`${procfs}/sys/fs/inotify/max_user_watches`),
    ...useBy(procfs, own.uid),
    needed: containers?.otherCgroups,
    refusal: layout === undefined ? undefined : refusalOf(layout.discovery.root),
  }),
  judge({ maxInstances = Infinity, maxWatches = Infinity, instances, watches, isAll, needed, refusal }): CheckResult {
    const use =
      `its user holds ${isAll ? '' : 'at least '}${watches} of ${limitText(maxWatches)} watches and ${instances} of ` +
      `${limitText(maxInstances)} instances` +
      (needed === undefined ? '' : `; the exporter needs at most ${needed} watches`);
    const more = needed ?? 0;
    const remedies = onTheHost(
      refusal === 'EMFILE'
        ? `sysctl -w fs.inotify.max_user_instances=${atLeast(2 * maxInstances)}`
        : `sysctl -w fs.inotify.max_user_watches=${atLeast(2 * (watches + more))}`,
    );
    const missing = 'containers that live less than a second';
    if (refusal !== undefined)
      return { status: 'failed', message: `no watch available (${refusal}): ${use}`, missing, remedies };
    if (watches + more > maxWatches) return { status: 'failed', message: `too few watches: ${use}`, missing, remedies };
    const isTight = watches + more > NEARLY_ALL * maxWatches || instances > NEARLY_ALL * maxInstances;
    return isTight ? { status: 'note', message: `nearly exhausted: ${use}` } : { status: 'ok', message: use };
  },
});

/** Never suggests less than the kernel's default. */
function atLeast(count: number): number {
  return Number.isFinite(count) ? Math.max(8192, count) : 8192;
}

/** `undefined` if it cannot be seen, as with `subset=pid`. */
function limitAt(path: string): number | undefined {
  const text = unseenAsUndefined(() => readFileSync(path, 'utf8'));
  return text === undefined ? undefined : Number(text);
}

function limitText(limit: number): string {
  return limit === Infinity ? 'an unknown number of' : String(limit);
}

function refusalOf(directory: string): string | undefined {
  try {
    watch(directory, { persistent: false }).close();
    return undefined;
  } catch (error) {
    return errnoOf(error) ?? String(error);
  }
}

/** The inotify instances and watches of a user's visible processes, and whether these are all. */
export function useBy(
  procfs: string,
  uid: number,
): { readonly instances: number; readonly watches: number; readonly isAll: boolean } {
  let [instances, watches, isAll] = [0, 0, true];
  for (const pid of readdirSync(procfs)) {
    if (!/^\d+$/.test(pid)) continue;
    const infos = infosOf(`${procfs}/${pid}`, uid);
    if (infos === undefined) isAll = false;
    for (const info of infos ?? []) {
      instances += 1;
      watches += info.match(/^inotify wd:/gm)?.length ?? 0;
    }
  }
  return { instances, watches, isAll };
}

/** `/proc/<pid>/fdinfo/<fd>` of each inotify instance of a process, if the process runs as the user. `undefined` if denied. */
function infosOf(directory: string, uid: number): string[] | undefined {
  try {
    const status = absentAsUndefined(() => readFileSync(`${directory}/status`, 'utf8'));
    if (status === undefined || parseProcStatus(status).effectiveUid !== uid) return [];
    // A process closes files at any time.
    const names = absentAsUndefined(() => readdirSync(`${directory}/fd`)) ?? [];
    return names.flatMap((name) => {
      const target = absentAsUndefined(() => readlinkSync(`${directory}/fd/${name}`));
      if (target !== 'anon_inode:inotify') return [];
      return absentAsUndefined(() => readFileSync(`${directory}/fdinfo/${name}`, 'utf8')) ?? [];
    });
  } catch (error) {
    if (isDenied(error)) return undefined;
    throw error;
  }
}
