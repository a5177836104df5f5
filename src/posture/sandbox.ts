/**
 * What runs a container, as told by what the runtime has on the host and the container cannot forge.
 *
 * - `oci`: runc, crun, youki. They leave nothing behind that would tell which one.
 * - `oci-rootless`: the same, started by a user without root.
 * - `gvisor`, and virtual machines: `kata`, `firecracker`, `krun`, `qemu` (or another monitor without Kata).
 */
export const SANDBOX_KINDS = [
  'oci',
  'oci-rootless',
  'sysbox',
  'lxc',
  'nspawn',
  'gvisor',
  'kata',
  'firecracker',
  'krun',
  'qemu',
] as const;
export type SandboxKind = (typeof SANDBOX_KINDS)[number];

/** What runs a container. */
export interface Sandbox {
  readonly kind: SandboxKind;
  /** `shared`: the workload's processes are the host's. Else what the host sees is the sandbox, not the workload. */
  readonly kernel: 'shared' | 'user' | 'virtual';
  /** What takes from the sandbox's worth, each a few words. */
  readonly weaknesses: readonly string[];
}
