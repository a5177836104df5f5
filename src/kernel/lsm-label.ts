/** The label by which a Linux security module confines a process. */
export type LsmLabel =
  | {
      readonly lsm: 'apparmor';
      /** The profile, such as `docker-default`; `unconfined` if there is none. A stack has several. */
      readonly profile: string;
      /** `enforce`, `complain` (violations are logged only), `kill` or `mixed` (a stack); `''` if unconfined. */
      readonly mode: string;
    }
  | {
      readonly lsm: 'selinux';
      /** The type in the context: `container_t`, `spc_t`, `unconfined_t`. */
      readonly type: string;
      /** The categories that separate containers: `s0:c1,c2`; `''` if there are none. */
      readonly level: string;
    }
  /** Smack, or an unknown format. */
  | { readonly lsm: 'other'; readonly label: string }
  /** The kernel runs no such module. */
  | { readonly lsm: 'none' };

/**
 * Parses `/proc/<pid>/attr/current` (proc_pid_attr(5)), whose format depends on the module. A kernel without such a module
 * answers EINVAL or has no such file.
 *
 *     docker-default (enforce)
 *     unconfined
 *     system_u:system_r:container_t:s0:c1,c2
 *
 * AppArmor ends it with a newline, SELinux with NUL. Any text is a label, so nothing is malformed. Empty text is no label.
 */
export function parseLsmLabel(text: string): LsmLabel {
  const label = text.replace(/[\n\0]+$/, '');
  if (label === '') return { lsm: 'none' };
  // The name of the profile may contain brackets and colons; the mode comes last.
  const apparmor = /^(.+) \(([a-z]+)\)$/s.exec(label);
  if (apparmor !== null) return { lsm: 'apparmor', profile: apparmor[1] ?? '', mode: apparmor[2] ?? '' };
  if (label === 'unconfined') return { lsm: 'apparmor', profile: label, mode: '' };
  const selinux = /^[\w.-]+:[\w.-]+:([\w.-]+)(?::([\w:,.-]+))?$/.exec(label);
  if (selinux !== null) return { lsm: 'selinux', type: selinux[1] ?? '', level: selinux[2] ?? '' };
  return { lsm: 'other', label };
}
