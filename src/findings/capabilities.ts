import { ALL_CAPABILITIES, type CapabilitySet, capabilitySet } from '../kernel/capabilities.ts';
import { all, answer, not } from './answer.ts';
import { type Finding, withPosture } from './finding.ts';
import {
  anyHas,
  canTakeOver,
  capabilitiesOf,
  DEFAULT_CAPABILITIES,
  hasAllCapabilities,
  inHostUsers,
  isPrivileged,
  isPrivilegedInUserNamespace,
  namesOfHeld,
  TAKEOVER,
} from './privileges.ts';
import { refer } from './standards/references.ts';

const NET_RAW = capabilitySet('NET_RAW');
const NET_BIND_SERVICE = capabilitySet('NET_BIND_SERVICE');

const ONLY_WHAT_IT_NEEDS = {
  docker: '--cap-drop ALL, and --cap-add only what it needs',
  compose: 'cap_drop: [ALL], and cap_add with only what it needs',
  kubernetes: 'securityContext.capabilities.drop: [ALL], and add only what it needs',
};

/** Findings about capabilities. */
export const capabilityFindings: readonly Finding[] = [
  {
    id: 'privileged',
    severity: 'critical',
    title: 'Privileged container',
    why: "It has all capabilities, no seccomp and the host's devices, which is equivalent to root on the host.",
    fix: {
      docker: 'remove --privileged; add single capabilities (--cap-add) and devices (--device)',
      compose: 'remove privileged: true; use cap_add and devices',
      kubernetes: 'remove securityContext.privileged; use capabilities.add and device plugins',
    },
    references: [
      ...refer('cis-docker', '5.5'),
      ...refer('pss-baseline', 'Privileged Containers'),
      ...refer('nsa-cisa', 'privileged'),
      ...refer('mitre-attack', 'T1611'),
    ],
    test: withPosture(isPrivileged),
  },
  {
    id: 'privileged_in_user_namespace',
    severity: 'medium',
    title: 'Privileged in its own user namespace',
    why: 'Without seccomp and with all capabilities over its user namespace, it can attack much more of the kernel.',
    fix: {
      docker: 'remove --privileged; add single capabilities (--cap-add)',
      compose: 'remove privileged: true; use cap_add',
      kubernetes: 'remove securityContext.privileged; use capabilities.add',
    },
    references: [...refer('pss-baseline', 'Privileged Containers'), ...refer('nsa-cisa', 'privileged')],
    test: withPosture(isPrivilegedInUserNamespace),
  },
  {
    id: 'all_capabilities',
    severity: 'critical',
    title: 'All capabilities',
    why: 'It has every capability that the engine can grant, and several of them are enough to take over the host.',
    fix: ONLY_WHAT_IT_NEEDS,
    references: [...refer('cis-docker', '5.4'), ...refer('pss-baseline', 'Capabilities')],
    test: withPosture((posture) => all(hasAllCapabilities(posture), inHostUsers(posture))),
  },
  {
    id: 'takeover_capability',
    severity: 'critical',
    title: 'A capability that is enough to take over the host',
    why: "SYS_ADMIN, SYS_MODULE, SYS_RAWIO, DAC_READ_SEARCH, SYS_BOOT, BPF, MAC_ADMIN or MAC_OVERRIDE (SYS_PTRACE with the host's pids, MKNOD with all devices) lead to root on the host in one step.",
    fix: ONLY_WHAT_IT_NEEDS,
    references: [...refer('cis-docker', '5.4'), ...refer('mitre-attack', 'T1611')],
    test: withPosture(canTakeOver),
    evidence: (posture) => namesOfHeld(posture, TAKEOVER),
  },
  {
    id: 'added_capability',
    severity: 'medium',
    title: 'A capability beyond the default set',
    why: 'Engines grant 14 capabilities by default and omit the others because they reach beyond the container.',
    fix: ONLY_WHAT_IT_NEEDS,
    references: [...refer('cis-docker', '5.4'), ...refer('pss-baseline', 'Capabilities')],
    ...held(ALL_CAPABILITIES & ~DEFAULT_CAPABILITIES),
  },
  {
    id: 'net_raw',
    severity: 'low',
    title: 'NET_RAW',
    why: 'With raw sockets it can forge packets, including those of its neighbours on the same bridge.',
    fix: {
      docker: '--cap-drop NET_RAW',
      compose: 'cap_drop: [NET_RAW]',
      kubernetes: 'securityContext.capabilities.drop: [NET_RAW]',
    },
    references: [...refer('cis-docker', '5.4'), ...refer('pss-restricted', 'Capabilities')],
    ...held(NET_RAW),
  },
  {
    id: 'capabilities_kept',
    severity: 'low',
    title: 'Capabilities were not dropped',
    why: 'Most programs need no capability except perhaps NET_BIND_SERVICE, and an unused one can be abused.',
    fix: ONLY_WHAT_IT_NEEDS,
    references: [...refer('pss-restricted', 'Capabilities')],
    ...held(ALL_CAPABILITIES & ~NET_BIND_SERVICE),
  },
  {
    id: 'user_namespace_full_capabilities',
    severity: 'low',
    title: 'More than the default capabilities in a user namespace',
    why: 'They have no effect on the host, but open parts of the kernel that are closed to ordinary users, where many of its bugs are.',
    fix: ONLY_WHAT_IT_NEEDS,
    references: [...refer('pss-baseline', 'Capabilities')],
    test: withPosture(({ init }) =>
      all(
        answer(init.users === undefined ? undefined : !init.users.mapsHostRoot),
        not(answer((capabilitiesOf(init) & ~DEFAULT_CAPABILITIES) === 0n)),
      ),
    ),
  },
];

/** Of a finding about some of these capabilities. */
function held(wanted: CapabilitySet): Pick<Finding, 'test' | 'evidence'> {
  return {
    test: withPosture((posture) => anyHas(posture, wanted)),
    evidence: (posture) => namesOfHeld(posture, wanted),
  };
}
