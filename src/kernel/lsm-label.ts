/** What a Linux security module confines a process by. */
export type LsmLabel =
  | {
      readonly lsm: 'apparmor';
      /** `docker-default`; `unconfined` if there is none; several in one for a stack. */
      readonly profile: string;
      /** `enforce`, `complain` (violations are logged only), `kill`, `mixed` (a stack); `''` for unconfined. */
      readonly mode: string;
    }
  | {
      readonly lsm: 'selinux';
      /** The third part of the context: `container_t`, `spc_t`, `unconfined_t`. */
      readonly type: string;
      /** The categories that keep containers apart: `s0:c1,c2`; `''` without. */
      readonly level: string;
    }
  /** Smack, or a form that is not known here. */
  | { readonly lsm: 'other'; readonly label: string }
  /** The kernel runs no module of this kind. */
  | { readonly lsm: 'none' };

/**
 * Parses `/proc/<pid>/attr/current` (proc_pid_attr(5)), whose form is up to the module. A kernel without such a module
 * answers EINVAL instead, or has no such file.
 *
 *     docker-default (enforce)
 *     unconfined
 *     system_u:system_r:container_t:s0:c1,c2
 *
 * AppArmor's ends with a newline, SELinux' with NUL. Any text is a label, so nothing is malformed; an empty one is none.
 */
export function parseLsmLabel(text: string): LsmLabel {
  const label = text.replace(/[\n\0]+$/, '');
  if (label === '') return { lsm: 'none' };
  // The profile's name may hold brackets and colons itself; the mode is what is last.
  const apparmor = /^(.+) \(([a-z]+)\)$/s.exec(label);
  if (apparmor !== null) return { lsm: 'apparmor', profile: apparmor[1] ?? '', mode: apparmor[2] ?? '' };
  if (label === 'unconfined') return { lsm: 'apparmor', profile: label, mode: '' };
  const selinux = /^[\w.-]+:[\w.-]+:([\w.-]+)(?::([\w:,.-]+))?$/.exec(label);
  if (selinux !== null) return { lsm: 'selinux', type: selinux[1] ?? '', level: selinux[2] ?? '' };
  return { lsm: 'other', label };
}
