import { readFileSync } from 'node:fs';
import { errnoOf, isAbsence } from '../kernel/errno.ts';
import { defineCheck } from './check.ts';
import { deniedIn } from './other-processes.ts';

/** The profile of AppArmor, or the context of SELinux, that the exporter runs under. */
export const securityModule = defineCheck({
  name: 'apparmor',
  read: ({ own, others }) => ({
    // With more than one security module only the first path is AppArmor's for sure.
    label: labelAt('/proc/self/attr/apparmor/current') ?? labelAt('/proc/self/attr/current'),
    denied: deniedIn(others) > 0,
    hasPtrace: own.effective.includes('SYS_PTRACE'),
  }),
  judge({ label, denied, hasPtrace }) {
    if (label === undefined) return { status: 'ok', says: 'no profile of AppArmor, and no context of SELinux' };
    if (/^(unconfined|kernel|.* \(complain\))$/.test(label)) return { status: 'ok', says: label };
    const selinux = label.includes(':');
    const name = `${selinux ? 'the context' : 'the profile'} ${label}`;
    // A profile of one's own may well let it look at others.
    if (!denied) return { status: 'ok', says: `${name}, which lets it look at other processes` };
    if (!hasPtrace) return { status: 'note', says: `${name}; what it denies shows only with CAP_SYS_PTRACE` };
    return {
      status: 'lost',
      says: `${name} keeps it from looking at other processes`,
      loses: 'the namespaces and the network traffic of containers, in spite of CAP_SYS_PTRACE',
      remedies: {
        shell: 'run it unconfined, or let its profile have: ptrace (read),',
        systemd: selinux ? 'SELinuxContext= not set, or a type that may ptrace' : 'AppArmorProfile= not set',
        docker: `--security-opt ${selinux ? 'label=disable' : 'apparmor=unconfined'}`,
        kubernetes: selinux
          ? 'securityContext: { seLinuxOptions: { type: spc_t } }'
          : 'securityContext: { appArmorProfile: { type: Unconfined } }',
      },
    };
  },
});

function labelAt(path: string): string | undefined {
  try {
    // AppArmor ends it with a newline, SELinux with NUL.
    return readFileSync(path, 'utf8').replace(/[\n\0]+$/, '') || undefined;
  } catch (error) {
    // The kernel's answer where no security module has such labels.
    if (isAbsence(error) || errnoOf(error) === 'EINVAL') return undefined;
    throw error;
  }
}
