import { readFileSync, readdirSync, readlinkSync, watch } from 'node:fs';
import { absentAsUndefined, errnoOf, unseenAsUndefined } from '../kernel/errno.ts';
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
    needed: containers === undefined ? 0 : containers.otherCgroups,
    refusal: layout === undefined ? undefined : refusalOf(layout.discovery.root),
  }),
  judge({ maxInstances = Infinity, maxWatches = Infinity, instances, watches, needed, refusal }): CheckResult {
    const use =
      `its user holds ${watches} of ${maxWatches} watches and ${instances} of ${maxInstances} instances; ` +
      `the exporter needs at most ${needed} watches`;
    const remedies = onTheHost(
      refusal === 'EMFILE'
        ? `sysctl -w fs.inotify.max_user_instances=${atLeast(2 * maxInstances)}`
        : `sysctl -w fs.inotify.max_user_watches=${atLeast(2 * (watches + needed))}`,
    );
    const missing = 'containers that live less than a second';
    if (refusal !== undefined)
      return { status: 'failed', message: `no watch available (${refusal}): ${use}`, missing, remedies };
    if (watches + needed > maxWatches)
      return { status: 'failed', message: `too few watches: ${use}`, missing, remedies };
    const isTight = watches + needed > NEARLY_ALL * maxWatches || instances > NEARLY_ALL * maxInstances;
    return isTight ? { status: 'note', message: `nearly exhausted: ${use}` } : { status: 'ok', message: use };
  },
});

/** Never suggests less than the kernel's default. */
function atLeast(count: number): number {
  return Number.isFinite(count) ? Math.max(8192, count) : 8192;
}

function limitAt(path: string): number | undefined {
  const text = absentAsUndefined(() => readFileSync(path, 'utf8'));
  return text === undefined ? undefined : Number(text);
}

function refusalOf(directory: string): string | undefined {
  try {
    watch(directory, { persistent: false }).close();
    return undefined;
  } catch (error) {
    return errnoOf(error) ?? String(error);
  }
}

/** The inotify instances and watches of a user's visible processes. */
function useBy(procfs: string, uid: number): { readonly instances: number; readonly watches: number } {
  let [instances, watches] = [0, 0];
  for (const pid of readdirSync(procfs)) {
    if (!/^\d+$/.test(pid)) continue;
    for (const info of infosOf(`${procfs}/${pid}`, uid)) {
      instances += 1;
      watches += info.match(/^inotify wd:/gm)?.length ?? 0;
    }
  }
  return { instances, watches };
}

/** `/proc/<pid>/fdinfo/<fd>` of each inotify instance of a process, if the process runs as the user. */
function infosOf(directory: string, uid: number): string[] {
  const infos = unseenAsUndefined(() => {
    if (parseProcStatus(readFileSync(`${directory}/status`, 'utf8')).effectiveUid !== uid) return [];
    const descriptors = readdirSync(`${directory}/fd`).filter(
      (name) => readlinkSync(`${directory}/fd/${name}`) === 'anon_inode:inotify',
    );
    return descriptors.map((name) => readFileSync(`${directory}/fdinfo/${name}`, 'utf8'));
  });
  return infos ?? [];
}
