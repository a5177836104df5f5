import type { Standard } from './standard.ts';

// The controls are the checks of k8s.io/pod-security-admission for this version of Kubernetes.
const VERSION = '1.35';
const URL = 'https://kubernetes.io/docs/concepts/security/pod-security-standards/';

const MANIFEST = 'only the manifest of the pod shows it';

export const PSS_BASELINE = {
  title: 'Pod Security Standards, baseline',
  version: VERSION,
  url: URL,
  controls: {
    HostProcess: { title: 'HostProcess', note: 'for Windows' },
    'Host Namespaces': { title: 'Host Namespaces' },
    'Privileged Containers': { title: 'Privileged Containers' },
    Capabilities: { title: 'Capabilities' },
    'HostPath Volumes': { title: 'HostPath Volumes' },
    'Host Ports': { title: 'Host Ports', note: 'ports are mapped outside the container' },
    'Host Probes / Lifecycle Hooks': { title: 'Host Probes / Lifecycle Hooks', note: MANIFEST },
    AppArmor: { title: 'AppArmor' },
    SELinux: {
      title: 'SELinux',
      note: 'the type is checked, user and role are not; whether a type of the own policy confines is unknown',
    },
    '/proc Mount Type': { title: '/proc Mount Type' },
    Seccomp: { title: 'Seccomp', note: 'a profile that is not set passes, and the kernel shows it as Unconfined' },
    Sysctls: { title: 'Sysctls', note: 'sysctls are not read' },
  },
} as const satisfies Standard;

/** It includes the baseline. A control that both have is stricter here. */
export const PSS_RESTRICTED = {
  title: 'Pod Security Standards, restricted',
  version: VERSION,
  url: URL,
  controls: {
    'Volume Types': { title: 'Volume Types', note: 'the kernel does not show the type of a volume' },
    'Privilege Escalation': { title: 'Privilege Escalation' },
    'Running as Non-root': { title: 'Running as Non-root' },
    'Running as Non-root user': { title: 'Running as Non-root user' },
    Seccomp: { title: 'Seccomp' },
    Capabilities: {
      title: 'Capabilities',
      note: 'in its own user namespace, only capabilities beyond the default set are reported',
    },
    '/proc Mount Type': {
      title: '/proc Mount Type',
      note: 'an unmasked /proc in its own user namespace is not reported',
    },
  },
} as const satisfies Standard;
