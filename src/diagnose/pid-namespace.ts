import { readFileSync, readlinkSync } from 'node:fs';
import { missingAsUndefined } from '../kernel/errno.ts';
import { INITIAL_NAMESPACES, inodeOfLink } from '../kernel/host-namespaces.ts';
import { defineCheck } from './check.ts';

/** Whether the exporter is in the host's pid namespace, and `--path.procfs` belongs to that namespace. */
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
        status: 'failed',
        message: `${procfs} is not a procfs that contains this process`,
        missing: 'everything about processes: start times, namespaces, network traffic',
        remedies: {
          shell: "remove --path.procfs: in the host's pid namespace, /proc is right",
          systemd: 'remove --path.procfs',
          docker: '--pid host, without --path.procfs; or -v /proc:/host/proc:ro and --path.procfs=/host/proc',
          kubernetes:
            'hostPID: true, without --path.procfs; or a hostPath volume of /proc, and --path.procfs with its path',
        },
      };
    }
    if (isHosts && hasKthreadd) return { status: 'ok', message: "the host's" };
    if (isHosts) {
      return {
        status: 'note',
        message: `the host's, but ${procfs} has no kthreadd: it belongs to another namespace, hides processes, or the host has none`,
      };
    }
    return {
      status: 'failed',
      message: 'its own: processes of containers are not visible',
      missing: 'start times, namespaces and network traffic of containers',
      remedies: {
        shell: 'run it outside, or with: nsenter --target 1 --pid --mount',
        systemd: 'PrivatePIDs=no',
        docker: '--pid host',
        kubernetes: 'hostPID: true',
      },
    };
  },
});

function textOf(path: string): string | undefined {
  return missingAsUndefined(() => readFileSync(path, 'utf8'));
}
