import { type HostNamespace, NAMESPACE_KINDS, findHostNamespaces } from '../kernel/host-namespaces.ts';
import { defineCheck, type Verdict } from './check.ts';

/** Without these the host's namespaces are as good as unknown; the other kinds are newer than some kernels. */
const NEEDED = ['pid', 'net', 'mnt', 'uts', 'ipc', 'user'] as const;

/** Whether it is known which namespaces are the host's, and by what. */
export const hostNamespaces = defineCheck({
  name: 'host namespaces',
  read: ({ procfs }) => Object.fromEntries(findHostNamespaces(procfs)),
  judge(found: Readonly<Partial<Record<string, HostNamespace>>>): Verdict {
    const missing = NEEDED.filter((kind) => found[kind] === undefined);
    const sources = new Set(NAMESPACE_KINDS.flatMap((kind) => found[kind]?.source ?? []));
    const known = [...sources].map((source) => {
      const kinds = NAMESPACE_KINDS.filter((kind) => found[kind]?.source === source);
      return `${kinds.join(', ')} (${source})`;
    });
    if (missing.length === 0) return { status: 'ok', says: `known: ${known.join('; ')}` };
    return {
      status: 'lost',
      says: `not known: ${missing.join(', ')}`,
      loses: 'whether containers share these with the host',
      remedies: {
        shell: 'run it as root, so that PID 1 or a kernel thread can be looked at',
        systemd: 'AmbientCapabilities=CAP_SYS_PTRACE',
        docker: '--pid host --cap-add SYS_PTRACE --security-opt apparmor=unconfined',
        kubernetes: 'hostPID: true, and securityContext: { capabilities: { add: [SYS_PTRACE] } }',
      },
    };
  },
});
