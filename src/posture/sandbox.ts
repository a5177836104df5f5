/**
 * The kind of runtime. It is recognised by traces on the host that a container cannot forge.
 *
 * - `oci`: runc, crun, youki. They leave nothing behind that shows which one it was.
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

/** The runtime or sandbox of a container. */
export interface Sandbox {
  readonly kind: SandboxKind;
  /** `shared`: the workload's processes are visible on the host. Otherwise the host sees the sandbox, not the workload. */
  readonly kernel: 'shared' | 'user' | 'virtual';
  /** Weaknesses of the sandbox, a few words each. */
  readonly weaknesses: readonly string[];
}
