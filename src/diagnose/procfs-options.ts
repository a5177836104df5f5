import { readFileSync } from 'node:fs';
import { parseMountinfo } from '../kernel/mountinfo.ts';
import { defineCheck, toHaveCapability } from './check.ts';

/** Whether procfs hides processes of other users (`hidepid`), or everything except processes (`subset`). */
export const procfsOptions = defineCheck({
  name: 'hidepid',
  read({ procfs, own }) {
    const mounts = parseMountinfo(readFileSync('/proc/self/mountinfo', 'utf8'));
    // The last mount hides earlier ones.
    const mount = mounts.findLast(({ mountPoint }) => mountPoint === procfs);
    return {
      options: (mount?.superOptions ?? '').split(',').filter((option) => /^(hidepid|subset)=/.test(option)),
      uid: own.uid,
      hasPtrace: own.effective.includes('SYS_PTRACE'),
    };
  },
  judge({ options, uid, hasPtrace }) {
    const hidepid = options.find((option) => /^hidepid=(?!0$|off$)/.test(option));
    if (options.includes('subset=pid')) {
      return {
        status: 'failed',
        message: 'procfs is mounted with subset=pid: it has processes only',
        missing: "the host's OOM kills and pressure, and the boot time, so start times are missing too",
        remedies: {
          shell: 'mount a procfs without subset=pid',
          systemd: 'ProcSubset=all',
          docker: '-v /proc:/host/proc:ro and --path.procfs=/host/proc',
          kubernetes: 'a hostPath volume of /proc, and --path.procfs with its path',
        },
      };
    }
    if (hidepid === undefined) return { status: 'ok', message: 'off' };
    if (hasPtrace) return { status: 'ok', message: `${hidepid}, which CAP_SYS_PTRACE overrides` };
    const { systemd, ...remedies } = toHaveCapability('SYS_PTRACE', { uid });
    return {
      status: 'failed',
      message: `${hidepid}: processes of other users are hidden`,
      missing: 'start times, namespaces and network traffic of their containers',
      remedies: { ...remedies, systemd: `ProtectProc=default, or ${systemd}` },
    };
  },
});
