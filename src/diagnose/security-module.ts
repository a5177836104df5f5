import { readFileSync } from 'node:fs';
import { errnoOf, isAbsence } from '../kernel/errno.ts';
import { defineCheck } from './check.ts';
import { deniedIn } from './other-processes.ts';

/** The AppArmor profile or SELinux context of the exporter. */
export const securityModule = defineCheck({
  name: 'apparmor',
  read: ({ own, others }) => ({
    // With several security modules, only the first path is certainly AppArmor's.
    label: labelAt('/proc/self/attr/apparmor/current') ?? labelAt('/proc/self/attr/current'),
    denied: deniedIn(others) > 0,
    hasPtrace: own.effective.includes('SYS_PTRACE'),
  }),
  judge({ label, denied, hasPtrace }) {
    if (label === undefined) return { status: 'ok', message: 'no AppArmor profile, no SELinux context' };
    if (/^(unconfined|kernel|.* \(complain\))$/.test(label)) return { status: 'ok', message: label };
    const selinux = label.includes(':');
    const name = `${selinux ? 'the context' : 'the profile'} ${label}`;
    // A custom profile may allow reading the namespaces.
    if (!denied) return { status: 'ok', message: `${name}, which allows inspecting other processes` };
    if (!hasPtrace) return { status: 'note', message: `${name}; what it denies is visible only with CAP_SYS_PTRACE` };
    return {
      status: 'failed',
      message: `${name} denies inspecting other processes`,
      missing: 'namespaces and network traffic of containers, despite CAP_SYS_PTRACE',
      remedies: {
        shell: 'run it unconfined, or add to its profile: ptrace (read),',
        systemd: selinux ? 'remove SELinuxContext=, or use a type that may ptrace' : 'remove AppArmorProfile=',
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
    // AppArmor terminates it with a newline, SELinux with NUL.
    return readFileSync(path, 'utf8').replace(/[\n\0]+$/, '') || undefined;
  } catch (error) {
    // EINVAL: no security module provides such labels.
    if (isAbsence(error) || errnoOf(error) === 'EINVAL') return undefined;
    throw error;
  }
}
