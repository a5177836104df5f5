import { type Capability, capabilityNames, type CapabilitySet, capabilitySet } from '../kernel/capabilities.ts';
import type { Posture, ProcessPosture } from '../posture/posture.ts';
import { all, answer, any, type Answer, not } from './answer.ts';
import type { Subject } from './finding.ts';

/** The default capabilities of Docker and containerd. */
export const DEFAULT_CAPABILITIES = capabilitySet(
  ...([
    'CHOWN',
    'DAC_OVERRIDE',
    'FSETID',
    'FOWNER',
    'MKNOD',
    'NET_RAW',
    'SETGID',
    'SETUID',
    'SETFCAP',
    'SETPCAP',
    'NET_BIND_SERVICE',
    'SYS_CHROOT',
    'KILL',
    'AUDIT_WRITE',
  ] satisfies Capability[]),
);

/** Each of these capabilities leads to root on the host in one step. */
export const TAKEOVER_CAPABILITIES = [
  'SYS_ADMIN',
  'SYS_MODULE',
  'SYS_RAWIO',
  'DAC_READ_SEARCH',
  'SYS_BOOT',
  'BPF',
  'MAC_ADMIN',
  'MAC_OVERRIDE',
] as const satisfies readonly Capability[];

/** {@link TAKEOVER_CAPABILITIES} as a set. */
export const TAKEOVER = capabilitySet(...TAKEOVER_CAPABILITIES);

const SYS_ADMIN = capabilitySet('SYS_ADMIN');
const SYS_PTRACE = capabilitySet('SYS_PTRACE');
const MKNOD = capabilitySet('MKNOD');

/** The capabilities that every engine since 2016 knows. A privileged container may lack the three newer ones. */
const KNOWN_TO_ALL_ENGINES = (1n << 38n) - 1n;

/** The capabilities that a process has, or can get with execve; none if they only apply to its own nested namespace. */
export function capabilitiesOf({ bounding, permitted, nested }: ProcessPosture): CapabilitySet {
  return nested ? 0n : bounding | permitted;
}

/** The capabilities that apply on the host. In its own user namespace a process has them over that namespace only. */
export function hostCapabilities(process: ProcessPosture): CapabilitySet | undefined {
  if (process.users === undefined) return undefined;
  return process.users.mapsHostRoot ? capabilitiesOf(process) : 0n;
}

/** Whether any process has some of these capabilities over the host. */
export function anyHas(posture: Posture, wanted: CapabilitySet): Answer {
  return any(
    ...posture.processes.map((process) => {
      if ((capabilitiesOf(process) & wanted) === 0n) return 'no';
      const found = hostCapabilities(process);
      return answer(found === undefined ? undefined : (found & wanted) !== 0n);
    }),
    unlessAllSeen(posture),
  );
}

/** The names of those of the capabilities that {@link anyHas} finds. */
export function namesOfHeld({ processes }: Posture, wanted: CapabilitySet): readonly string[] {
  return capabilityNames(processes.reduce((held, process) => held | (hostCapabilities(process) ?? 0n), 0n) & wanted);
}

/** `unknown` if not all processes were inspected. */
export function unlessAllSeen(posture: Posture): Answer {
  return posture.allProcesses ? 'no' : 'unknown';
}

/** Whether its capabilities alone are enough to take over the host. */
export function canTakeOver(posture: Posture, subject: Subject): Answer {
  const { devices } = posture;
  return any(
    anyHas(posture, TAKEOVER),
    all(anyHas(posture, SYS_PTRACE), answer(subject.hostNamespaces.pid)),
    // Only cgroup v1 shows which devices are allowed.
    devices.allowed === 'all' ? anyHas(posture, MKNOD) : 'no',
  );
}

/** Whether the init has every capability that its engine could grant. */
export function hasAllCapabilities({ init, obtainable }: Posture): Answer {
  if (obtainable === undefined) return 'unknown';
  // An engine without CAP_SYS_ADMIN cannot start a privileged container.
  if ((obtainable & SYS_ADMIN) === 0n) return 'no';
  const needed = obtainable & KNOWN_TO_ALL_ENGINES;
  return answer((init.bounding & needed) === needed);
}

/** Whether the init is in the host's user namespace. */
export function inHostUsers({ init }: Posture): Answer {
  return answer(init.users?.isHost);
}

/**
 * Whether it was started as a privileged container: all capabilities, the host's user namespace, no seccomp, and a writable
 * `/sys`, all devices or an unmasked `/proc`. AppArmor does not count: many hosts lack it.
 */
export function isPrivileged(posture: Posture): Answer {
  return all(hasAllCapabilities(posture), inHostUsers(posture), isUnfenced(posture));
}

/** Whether it was started as a privileged container in its own user namespace: rootless engines, Sysbox, LXC. */
export function isPrivilegedInUserNamespace(posture: Posture): Answer {
  const { users } = posture.init;
  return all(
    hasAllCapabilities(posture),
    answer(users === undefined ? undefined : !users.mapsHostRoot),
    isUnfenced(posture),
  );
}

function isUnfenced({ init, mounts, devices }: Posture): Answer {
  return all(
    answer(init.seccomp === undefined ? undefined : init.seccomp === 'disabled'),
    any(
      answer(mounts?.ownSysWritable),
      not(answer(mounts?.procMasked)),
      // On cgroup v2 allowed devices are unknown, and the other two decide.
      answer(devices.allowed === 'all'),
    ),
  );
}
