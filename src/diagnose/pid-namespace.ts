import { readFileSync, readlinkSync } from 'node:fs';
import { isAbsence } from '../kernel/errno.ts';
import { INITIAL_NAMESPACES, inodeOfLink } from '../kernel/host-namespaces.ts';
import { defineCheck } from './check.ts';

/** Whether the exporter is in the host's pid namespace, and `--path.procfs` is a procfs of it. */
export const pidNamespace = defineCheck({
  name: 'pid namespace',
  read: ({ procfs }) => ({
    procfs,
    isHosts: inodeOfLink(readlinkSync('/proc/self/ns/pid')) === INITIAL_NAMESPACES.pid,
    isProcfs: textOf(`${procfs}/self/stat`) !== undefined,
    hasKthreadd: textOf(`${procfs}/2/comm`) === 'kthreadd\n',
  }),
  judge({ procfs, isHosts, isProcfs, hasKthreadd }) {
    if (!isProcfs) {
      return {
        status: 'lost',
        says: `${procfs} is no procfs in which it can see itself`,
        loses: 'all that is to be learnt of processes: start times, namespaces, network traffic',
        remedies: {
          shell: "leave out --path.procfs: in the host's pid namespace /proc is right",
          systemd: 'leave out --path.procfs',
          docker: '--pid host, without --path.procfs; or -v /proc:/host/proc:ro and --path.procfs=/host/proc',
          kubernetes:
            'hostPID: true, without --path.procfs; or a hostPath volume of /proc, and the option with its path',
        },
      };
    }
    if (isHosts && hasKthreadd) return { status: 'ok', says: "the host's" };
    if (isHosts) {
      return {
        status: 'note',
        says: `the host's, but ${procfs} has no kthreadd: it is another's, hides processes, or there is none here`,
      };
    }
    return {
      status: 'lost',
      says: 'its own: the processes of containers cannot be seen in it',
      loses: 'start times, namespaces and network traffic of containers',
      remedies: {
        shell: 'run it outside, or by: nsenter --target 1 --pid --mount',
        systemd: 'PrivatePIDs=no',
        docker: '--pid host',
        kubernetes: 'hostPID: true',
      },
    };
  },
});

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    // A path that is no directory at all is as wrong as one that is not there.
    if (isAbsence(error) || (error instanceof Error && 'code' in error && error.code === 'ENOTDIR')) return undefined;
    throw error;
  }
}
