import { type Capability, type CapabilitySet, capabilitySet } from '../kernel/capabilities.ts';
import type { Posture, ProcessPosture } from '../posture/posture.ts';
import { all, answer, any, type Answer } from './answer.ts';
import type { Subject } from './finding.ts';

/** What Docker and containerd give when nothing is asked for. */
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

/** One step from any of these to root on the host. */
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

const TAKEOVER = capabilitySet(...TAKEOVER_CAPABILITIES);

const SYS_ADMIN = capabilitySet('SYS_ADMIN');
const SYS_PTRACE = capabilitySet('SYS_PTRACE');
const MKNOD = capabilitySet('MKNOD');

/** The capabilities that every engine since 2016 knows; the three newer ones may be missing from a privileged container. */
const KNOWN_TO_ALL_ENGINES = (1n << 38n) - 1n;

/** What a process has or can get by starting a program; nothing for one that has it over its own namespace only. */
export function capabilitiesOf({ bounding, permitted, nested }: ProcessPosture): CapabilitySet {
  return nested ? 0n : bounding | permitted;
}

/** What counts on the host: in a user namespace of its own a process has capabilities over that namespace only. */
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

/** What was not looked at may be anything. */
export function unlessAllSeen(posture: Posture): Answer {
  return posture.allProcesses ? 'no' : 'unknown';
}

/** Whether it can take the host over by its capabilities alone. */
export function canTakeOver(posture: Posture, subject: Subject): Answer {
  const { devices } = posture;
  return any(
    anyHas(posture, TAKEOVER),
    all(anyHas(posture, SYS_PTRACE), answer(subject.hostNamespaces.pid)),
    // v2 does not say what its devices program allows; with v1 it is known.
    devices.allowed === 'all' ? anyHas(posture, MKNOD) : 'no',
  );
}

/** Whether the init was given all that could be given. */
export function hasAllCapabilities({ init, obtainable }: Posture): Answer {
  if (obtainable === undefined) return 'unknown';
  // An engine that may itself do little is not what privileged containers are started with.
  if ((obtainable & SYS_ADMIN) === 0n) return 'no';
  const needed = obtainable & KNOWN_TO_ALL_ENGINES;
  return answer((init.bounding & needed) === needed);
}

/** Whether the init is in the host's user namespace. */
export function inHostUsers({ init }: Posture): Answer {
  return answer(init.users?.isHost);
}

/**
 * Whether it was started as a privileged container: with all capabilities, in the host's user namespace, without
 * seccomp, and with what else is taken off for such a container (a `/sys` that can be written to, all devices, `/proc`
 * without masks). AppArmor does not count: many hosts do not have it.
 */
export function isPrivileged(posture: Posture): Answer {
  return all(hasAllCapabilities(posture), inHostUsers(posture), isUnfenced(posture));
}

/** The same in a user namespace of its own: rootless, Sysbox, LXC. */
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
      answer(mounts === undefined ? undefined : !mounts.procMasked),
      // Where v1 says nothing, the other two decide.
      answer(devices.allowed === 'all'),
    ),
  );
}
