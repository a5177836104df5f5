import type { Standard } from './standard.ts';

/** The guide has no numbers. The ids and titles of its recommendations are ours. */
export const NSA_CISA = {
  title: 'NSA/CISA Kubernetes Hardening Guide',
  version: '1.2',
  url: 'https://media.defense.gov/2022/Aug/29/2003066362/-1/-1/0/CTR_KUBERNETES_HARDENING_GUIDANCE_1.2_20220829.PDF',
  controls: {
    'non-root': { title: 'Non-root containers' },
    'immutable-file-system': { title: 'Immutable container file systems' },
    images: { title: 'Secure container images', note: 'images are not scanned' },
    privileged: { title: 'Preventing privileged containers' },
    'host-processes': { title: 'Host process namespaces (hostPID, hostIPC)' },
    'host-network': { title: 'Host network (hostNetwork)' },
    'host-paths': { title: 'Host paths (hostPath)' },
    'privilege-escalation': { title: 'Escalation to root privileges' },
    selinux: { title: 'SELinux' },
    apparmor: { title: 'AppArmor' },
    seccomp: { title: 'Seccomp' },
    'service-account-tokens': { title: 'Service account tokens', note: 'the token of a pod is not looked for' },
    resources: { title: 'Resource policies and process ID limits' },
  },
  outside: 'network policies, control plane, authentication, audit logs and upgrades',
} as const satisfies Standard;
