import { type HostNamespace, NAMESPACE_KINDS, findHostNamespaces } from '../kernel/host-namespaces.ts';
import { defineCheck, type CheckResult } from './check.ts';

/** The kinds that every supported kernel has. */
const NEEDED = ['pid', 'net', 'mnt', 'uts', 'ipc', 'user'] as const;

/** Whether the host's namespaces are known, and from which source. */
export const hostNamespaces = defineCheck({
  name: 'host namespaces',
  read: ({ procfs }) => Object.fromEntries(findHostNamespaces(procfs)),
  judge(found: Readonly<Partial<Record<string, HostNamespace>>>): CheckResult {
    const missing = NEEDED.filter((kind) => found[kind] === undefined);
    const sources = new Set(NAMESPACE_KINDS.flatMap((kind) => found[kind]?.source ?? []));
    const known = [...sources].map((source) => {
      const kinds = NAMESPACE_KINDS.filter((kind) => found[kind]?.source === source);
      return `${kinds.join(', ')} (${source})`;
    });
    if (missing.length === 0) return { status: 'ok', message: `known: ${known.join('; ')}` };
    return {
      status: 'failed',
      message: `not known: ${missing.join(', ')}`,
      missing: 'whether containers share these namespaces with the host',
      remedies: {
        shell: 'run it as root, so that it can inspect PID 1 or a kernel thread',
        systemd: 'AmbientCapabilities=CAP_SYS_PTRACE',
        docker: '--pid host --cap-add SYS_PTRACE --security-opt apparmor=unconfined',
        kubernetes: 'hostPID: true, and securityContext: { capabilities: { add: [SYS_PTRACE] } }',
      },
    };
  },
});
