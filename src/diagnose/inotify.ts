import { readFileSync, readdirSync, readlinkSync, watch } from 'node:fs';
import { absentAsUndefined, errnoOf, unseenAsUndefined } from '../kernel/errno.ts';
import { parseProcCredentials } from '../kernel/proc-credentials.ts';
import { defineCheck, onTheHost, type Verdict } from './check.ts';

/** Of what a user may have, the share above which it is time to say so. */
const NEARLY_ALL = 0.8;

/** Whether the kernel grants the watches by which containers are noticed, and how many of them its user has left. */
export const inotify = defineCheck({
  name: 'inotify',
  read: ({ procfs, own, layout, containers }) => ({
    maxInstances: limitAt(`${procfs}/sys/fs/inotify/max_user_instances`),
    maxWatches: limitAt(`${procfs}/sys/fs/inotify/max_user_watches`),
    ...useBy(procfs, own.uid),
    needed: containers === undefined ? 0 : containers.otherCgroups,
    refusal: layout === undefined ? undefined : refusalOf(layout.discovery.root),
  }),
  judge({ maxInstances = Infinity, maxWatches = Infinity, instances, watches, needed, refusal }): Verdict {
    const use =
      `its user has ${watches} of ${maxWatches} watches and ${instances} of ${maxInstances} instances; ` +
      `at most ${needed} watches are needed`;
    const remedies = onTheHost(
      refusal === 'EMFILE'
        ? `sysctl -w fs.inotify.max_user_instances=${atLeast(2 * maxInstances)}`
        : `sysctl -w fs.inotify.max_user_watches=${atLeast(2 * (watches + needed))}`,
    );
    const loses = 'containers that live shorter than a second';
    if (refusal !== undefined)
      return { status: 'lost', says: `no watch can be had (${refusal}): ${use}`, loses, remedies };
    if (watches + needed > maxWatches) return { status: 'lost', says: `too few watches: ${use}`, loses, remedies };
    const isTight = watches + needed > NEARLY_ALL * maxWatches || instances > NEARLY_ALL * maxInstances;
    return isTight ? { status: 'note', says: `nearly used up: ${use}` } : { status: 'ok', says: use };
  },
});

/** The kernel's own default is what a host has at least. */
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

/** What the processes of a user have in use, as far as they can be looked at. */
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

/** `/proc/<pid>/fdinfo/<fd>` of each inotify instance of a process, if that is the user's. */
function infosOf(directory: string, uid: number): string[] {
  const infos = unseenAsUndefined(() => {
    if (parseProcCredentials(readFileSync(`${directory}/status`, 'utf8')).effectiveUid !== uid) return [];
    const descriptors = readdirSync(`${directory}/fd`).filter(
      (name) => readlinkSync(`${directory}/fd/${name}`) === 'anon_inode:inotify',
    );
    return descriptors.map((name) => readFileSync(`${directory}/fdinfo/${name}`, 'utf8'));
  });
  return infos ?? [];
}
