import type { IContainer, IPod, IPodSpec } from 'kubernetes-models/v1';
import { POD_IMAGE } from '../lab/cri.ts';
import { PRIVILEGED } from './levels.ts';

const SLEEP = ['/bin/sleep', '1000000'];
/** Runs out of its quota again and again, but leaves its pod time to start another container in an emulated machine. */
const BUSY = ['/bin/sh', '-c', 'while :; do n=0; while [ $n -lt 3000 ]; do n=$((n + 1)); done; sleep 1; done'];

/** What the kernel must show for a container, from what its manifest says. */
export interface Expected {
  readonly level: number;
  /** Findings of severity medium and above, sorted; the two about missing limits are left out. */
  readonly findings: readonly string[];
  /** Limits of the container or its pod: bytes and cores; absent for none. */
  readonly memory?: number;
  readonly cpu?: number;
}

/** A pod of the lab, in the namespace `shop` unless it says another, with what must be seen of each container. */
export interface LabPod {
  readonly manifest: IPod;
  readonly expected: Readonly<Record<string, Expected>>;
}

/** The kubelet asks for no seccomp filter by default. */
const DEFAULT: Expected = { level: 1, findings: ['seccomp_disabled'] };
const RUNTIME_DEFAULT = { seccompProfile: { type: 'RuntimeDefault' } } as const;
const MIB = 2 ** 20;

function container(name: string, more: Partial<IContainer> = {}): IContainer {
  return { name, image: POD_IMAGE, imagePullPolicy: 'Never', command: SLEEP, ...more };
}

function pod(name: string, spec: IPodSpec, expected: LabPod['expected'], namespace = 'shop'): LabPod {
  return {
    manifest: {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace },
      spec: { terminationGracePeriodSeconds: 1, ...spec },
    },
    expected,
  };
}

const same = (memory: string, cpu: string) => ({ limits: { memory, cpu }, requests: { memory, cpu } });

/** Of each class of service. */
export const CLASSES: readonly LabPod[] = [
  pod(
    'guaranteed',
    { containers: [container('app', { resources: same('64Mi', '500m') })] },
    { app: { ...DEFAULT, memory: 64 * MIB, cpu: 0.5 } },
  ),
  pod(
    'burstable',
    {
      containers: [
        container('limited', {
          command: BUSY,
          resources: { limits: { memory: '64Mi', cpu: '250m' }, requests: { memory: '32Mi', cpu: '20m' } },
        }),
        container('loose', { resources: { requests: { cpu: '20m' } } }),
      ],
    },
    { limited: { ...DEFAULT, memory: 64 * MIB, cpu: 0.25 }, loose: DEFAULT },
  ),
  pod('besteffort', { containers: [container('app')] }, { app: DEFAULT }, 'default'),
  pod(
    'podlevel',
    {
      resources: { limits: { memory: '128Mi', cpu: '500m' }, requests: { memory: '64Mi', cpu: '20m' } },
      containers: [container('busy', { command: BUSY }), container('idle')],
    },
    {
      busy: { ...DEFAULT, memory: 128 * MIB, cpu: 0.5 },
      idle: { ...DEFAULT, memory: 128 * MIB, cpu: 0.5 },
    },
  ),
];

/** Of each kind of isolation. */
export const KINDS: readonly LabPod[] = [
  pod(
    'sidecars',
    {
      shareProcessNamespace: true,
      securityContext: RUNTIME_DEFAULT,
      initContainers: [
        container('init', { command: ['/bin/true'] }),
        container('sidecar', { restartPolicy: 'Always' }),
      ],
      containers: [container('app')],
    },
    { sidecar: { level: 2, findings: [] }, app: { level: 2, findings: [] } },
  ),
  pod(
    'hostpid',
    { hostPID: true, hostNetwork: true, containers: [container('app')] },
    {
      app: {
        level: 1,
        findings: ['host_network_namespace', 'host_pid_namespace', 'host_uts_namespace', 'seccomp_disabled'],
      },
    },
  ),
  pod(
    'userns',
    { hostUsers: false, securityContext: RUNTIME_DEFAULT, containers: [container('app')] },
    { app: { level: 3, findings: [] } },
  ),
  pod(
    'privileged',
    { containers: [container('app', { securityContext: { privileged: true } })] },
    {
      app: {
        level: 0,
        findings: PRIVILEGED,
      },
    },
  ),
  pod(
    'hardened',
    {
      containers: [
        container('app', {
          resources: same('64Mi', '500m'),
          securityContext: {
            runAsUser: 65_534,
            runAsNonRoot: true,
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
            ...RUNTIME_DEFAULT,
          },
        }),
      ],
    },
    { app: { level: 3, findings: [], memory: 64 * MIB, cpu: 0.5 } },
  ),
];

/** Exits after 3 s, again and again. */
export const LOOP = pod(
  'loop',
  { containers: [container('app', { command: ['/bin/sh', '-c', 'sleep 3; exit 1'] })] },
  {},
);

/** Is killed once. In its next life it does nothing. */
export const LEAKY = pod(
  'leaky',
  {
    volumes: [{ name: 'mark', emptyDir: {} }],
    containers: [
      container('app', {
        command: [
          '/bin/sh',
          '-c',
          `if [ -e /mark/done ]; then exec sleep 1000000; fi
          echo > /mark/done
          for n in 1 2 3; do sleep 1000 & done
          tail /dev/zero
          sleep 1000`,
        ],
        resources: { limits: { memory: '32Mi' } },
        volumeMounts: [{ name: 'mark', mountPath: '/mark' }],
      }),
    ],
  },
  { app: { ...DEFAULT, memory: 32 * MIB } },
);

/**
 * Holds 80 MiB in a tmpfs. Its manifest has a uid, as a pod from the API has, so that the kubelet resizes it in place: it takes the uid
 * of other static pods from the manifest's content, and replaces a pod with another uid.
 */
export function resized(memory: string, cpu: string): LabPod {
  const { manifest, expected } = pod(
    'resized',
    {
      volumes: [{ name: 'fill', emptyDir: { medium: 'Memory' } }],
      containers: [
        container('app', {
          command: ['/bin/sh', '-c', '/bin/busybox dd if=/dev/zero of=/fill/it bs=1M count=80 && exec sleep 1000000'],
          resources: same(memory, cpu),
          volumeMounts: [{ name: 'fill', mountPath: '/fill' }],
        }),
      ],
    },
    { app: DEFAULT },
  );
  const uid = '5e1f0000-0000-4000-8000-0000000000ed';
  return { manifest: { ...manifest, metadata: { ...manifest.metadata, uid } }, expected };
}

/** The kubelet replaces it when its limit changes. */
export const replaced = (memory: string): LabPod =>
  pod('replaced', { containers: [container('app', { resources: same(memory, '100m') })] }, { app: DEFAULT });
