import { readFileSync } from 'node:fs';
import { parseMountinfo } from '../kernel/mountinfo.ts';
import { defineCheck, toHaveCapability } from './check.ts';

/** Whether the procfs hides the processes of others (`hidepid`), or all but processes (`subset`). */
export const procfsOptions = defineCheck({
  name: 'hidepid',
  read({ procfs, own }) {
    const mounts = parseMountinfo(readFileSync('/proc/self/mountinfo', 'utf8'));
    // The one mounted last hides those before it.
    const mount = mounts.findLast(({ mountPoint }) => mountPoint === procfs);
    return {
      options: (mount?.superOptions ?? []).filter((option) => /^(hidepid|subset)=/.test(option)),
      uid: own.uid,
      hasPtrace: own.effective.includes('SYS_PTRACE'),
    };
  },
  judge({ options, uid, hasPtrace }) {
    const hidepid = options.find((option) => /^hidepid=(?!0$|off$)/.test(option));
    if (options.includes('subset=pid')) {
      return {
        status: 'lost',
        says: 'the procfs is mounted with subset=pid: there is nothing in it but processes',
        loses:
          'the OOM kills and the pressure of the host, and the time of boot, without which nothing has a start time',
        remedies: {
          shell: 'mount a procfs without subset=pid',
          systemd: 'ProcSubset=all',
          docker: '-v /proc:/host/proc:ro and --path.procfs=/host/proc',
          kubernetes: 'a hostPath volume of /proc, and --path.procfs with its path',
        },
      };
    }
    if (hidepid === undefined) return { status: 'ok', says: 'off' };
    if (hasPtrace) return { status: 'ok', says: `${hidepid}, which does not count with CAP_SYS_PTRACE` };
    const { systemd, ...remedies } = toHaveCapability('SYS_PTRACE', { uid });
    return {
      status: 'lost',
      says: `${hidepid}: the processes of other users are hidden`,
      loses: 'start times, namespaces and network traffic of their containers',
      remedies: { ...remedies, systemd: `ProtectProc=default, or ${systemd}` },
    };
  },
});
