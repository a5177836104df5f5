import { describe, expect, test } from 'vitest';
import { acceptFile } from './accept-file.ts';
import { capabilities } from './capabilities.ts';
import { cgroupTree } from './cgroup-tree.ts';
import type { Check, Deployment, CheckResult } from './check.ts';
import { containers } from './containers.ts';
import { controllers } from './controllers.ts';
import { descriptors } from './descriptors.ts';
import { cri } from './cri.ts';
import { docker, podman } from './engines.ts';
import type { EngineAnswer } from './engine-answer.ts';
import { hostNamespaces } from './host-namespaces.ts';
import { inotify } from './inotify.ts';
import { kubeletLogs } from './kubelet-logs.ts';
import { kmsg } from './kmsg.ts';
import { oomCounts } from './oom-counts.ts';
import { otherProcesses } from './other-processes.ts';
import { pidNamespace } from './pid-namespace.ts';
import { pressure } from './pressure.ts';
import { procfsOptions } from './procfs-options.ts';
import { securityModule } from './security-module.ts';
import { user } from './user.ts';
import { variables } from './variables.ts';

/** Facts and the expected result: a status, words of the text, and the remedy for one deployment. */
type Case<Facts> = readonly [
  facts: Facts,
  status: CheckResult['status'],
  message: RegExp,
  deployment?: Deployment,
  remedy?: string,
];

function judges<Facts>(check: Check<Facts>, cases: readonly Case<Facts>[]): void {
  describe(check.name, () => {
    test.each(cases.map((each) => [JSON.stringify(each[0]), ...each] as const))(
      '%s',
      (_, facts, status, message, deployment, remedy) => {
        const result = check.judge(facts);
        expect(result.status).toBe(status);
        expect(result.message).toMatch(message);
        // Exactly the failed checks say what is missing.
        expect(result.missing !== undefined).toBe(status === 'failed');
        if (deployment !== undefined) expect(result.remedies?.[deployment]).toBe(remedy);
      },
    );
  });
}

judges(user, [
  [{ uid: 0, uidMap: '         0          0 4294967295\n' }, 'ok', /^root$/],
  [{ uid: 65534, uidMap: '         0          0 4294967295\n' }, 'ok', /^uid 65534$/],
  [{ uid: 0, uidMap: '0 100000 65536\n' }, 'failed', /its own user namespace/, 'docker', '--userns host'],
  [{ uid: 0, uidMap: '0 0 4294967295\n1 1 1\n' }, 'failed', /its own/, 'systemd', 'PrivateUsers=no'],
]);

const FOURTEEN = 'CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE NET_RAW'.split(' ');
const MANY = Array.from({ length: 40 }, (_, index) => (index === 0 ? 'SYS_PTRACE' : String(index)));
judges(capabilities, [
  [{ uid: 0, effective: MANY, bounding: MANY }, 'ok', /^it has 40$/],
  [{ uid: 65534, effective: ['SYS_PTRACE'], bounding: [] }, 'ok', /^it has CAP_SYS_PTRACE$/],
  [
    { uid: 0, effective: FOURTEEN, bounding: FOURTEEN },
    'failed',
    /^no CAP_SYS_PTRACE \(the bounding set lacks it\); it has CAP_CHOWN, .*CAP_SETGID and 4 more$/,
    'docker',
    '--cap-add SYS_PTRACE',
  ],
  [
    { uid: 0, effective: [...FOURTEEN, 'SYSLOG', 'SYS_PTRACE'], bounding: [] },
    'ok',
    /^it has CAP_SYS_PTRACE, CAP_SYSLOG, .*6 more$/,
  ],
  [
    { uid: 65534, effective: [], bounding: MANY },
    'failed',
    /^no CAP_SYS_PTRACE; it has none$/,
    'docker',
    '--user 0:0 --cap-add SYS_PTRACE',
  ],
]);

judges(securityModule, [
  [{ label: undefined, denied: true, hasPtrace: true }, 'ok', /^no AppArmor profile/],
  [{ label: 'unconfined', denied: true, hasPtrace: true }, 'ok', /^unconfined$/],
  [{ label: 'docker-default (complain)', denied: true, hasPtrace: true }, 'ok', /complain/],
  [{ label: 'own (enforce)', denied: false, hasPtrace: true }, 'ok', /which allows/],
  [{ label: 'docker-default (enforce)', denied: true, hasPtrace: false }, 'note', /only with CAP_SYS_PTRACE/],
  [
    { label: 'docker-default (enforce)', denied: true, hasPtrace: true },
    'failed',
    /^the profile docker-default \(enforce\) denies/,
    'docker',
    '--security-opt apparmor=unconfined',
  ],
  [
    { label: 'system_u:system_r:container_t:s0:c1,c2', denied: true, hasPtrace: true },
    'failed',
    /^the context system_u/,
    'docker',
    '--security-opt label=disable',
  ],
]);

judges(pidNamespace, [
  [{ procfs: '/proc', isHosts: true, isProcfs: true, hasKthreadd: true }, 'ok', /^the host's$/],
  [{ procfs: '/p', isHosts: true, isProcfs: true, hasKthreadd: false }, 'note', /\/p has no kthreadd/],
  [
    { procfs: '/proc', isHosts: false, isProcfs: true, hasKthreadd: false },
    'failed',
    /^its own/,
    'docker',
    '--pid host',
  ],
  // The host's procfs shows its processes, but cgroup.procs lists pids of the reader's own namespace.
  [
    { procfs: '/h', isHosts: false, isProcfs: true, hasKthreadd: true },
    'failed',
    /^its own/,
    'kubernetes',
    'hostPID: true',
  ],
  [{ procfs: '/h', isHosts: true, isProcfs: false, hasKthreadd: false }, 'failed', /^\/h is not a procfs/],
]);

judges(procfsOptions, [
  [{ options: [], uid: 0, hasPtrace: false }, 'ok', /^off$/],
  [{ options: ['hidepid=0'], uid: 1, hasPtrace: false }, 'ok', /^off$/],
  [{ options: ['hidepid=off'], uid: 1, hasPtrace: false }, 'ok', /^off$/],
  [{ options: ['hidepid=invisible'], uid: 0, hasPtrace: true }, 'ok', /CAP_SYS_PTRACE overrides/],
  [
    { options: ['hidepid=2'], uid: 65534, hasPtrace: false },
    'failed',
    /^hidepid=2: /,
    'docker',
    '--user 0:0 --cap-add SYS_PTRACE',
  ],
  [
    { options: ['hidepid=2', 'subset=pid'], uid: 0, hasPtrace: true },
    'failed',
    /subset=pid/,
    'systemd',
    'ProcSubset=all',
  ],
]);

const NOBODY = { readable: 0, denied: 0 };
const ALL = {
  pid1: { readable: 1, denied: 0 },
  kernelThreads: { readable: 9, denied: 0 },
  ownUser: NOBODY,
  otherUsers: NOBODY,
};
judges(otherProcesses, [
  [ALL, 'ok', /^readable for all 10 processes$/],
  [{ ...ALL, pid1: { readable: 0, denied: 1 } }, 'ok', /^readable for all 10 processes except PID 1/],
  [{ ...ALL, kernelThreads: NOBODY }, 'ok', /^readable for the only other process$/],
  [{ pid1: NOBODY, kernelThreads: NOBODY, ownUser: NOBODY, otherUsers: NOBODY }, 'note', /no other process/],
  [
    { ...ALL, otherUsers: { readable: 1, denied: 2 } },
    'failed',
    /^unreadable for 2 of 13 processes: 2 of 3 of other users$/,
  ],
  [
    {
      pid1: { readable: 0, denied: 1 },
      kernelThreads: { readable: 0, denied: 7 },
      ownUser: { readable: 2, denied: 0 },
      otherUsers: { readable: 0, denied: 3 },
    },
    'failed',
    /^unreadable for 11 of 13 processes: PID 1, all 7 of kernel threads, all 3 of other users$/,
  ],
]);

const PID1 = { inode: 1, source: 'pid1' } as const;
const SIX = { pid: PID1, net: PID1, mnt: PID1, uts: PID1, ipc: PID1, user: PID1 };
judges(hostNamespaces, [
  [SIX, 'ok', /^known: pid, net, mnt, uts, ipc, user \(pid1\)$/],
  [{ ...SIX, time: { inode: 2, source: 'constant' } }, 'ok', /\(pid1\); time \(constant\)$/],
  [{ pid: PID1 }, 'failed', /^not known: net, mnt, uts, ipc, user$/, 'systemd', 'AmbientCapabilities=CAP_SYS_PTRACE'],
]);

judges(cgroupTree, [
  [{ error: undefined, root: '/c', isWhole: true, ownNamespace: false }, 'ok', /^complete, in \/c \(the host's/],
  [{ error: undefined, root: '/c', isWhole: true, ownNamespace: true }, 'ok', /which is fine/],
  [{ error: undefined, root: '/c', isWhole: false, ownNamespace: true }, 'failed', /^\/c is only a part/],
  [{ error: 'None is mounted at "/x"', root: '', isWhole: false, ownNamespace: false }, 'failed', /^None is mounted/],
]);

const V2 = { version: 2, controllers: ['cpuset', 'cpu', 'io', 'memory', 'pids'] } as const;
const V1 = ['memory', 'cpu', 'cpuacct', 'cpuset', 'pids'].map((name) => ({ version: 1, controllers: [name] }) as const);
const BLKIO = { version: 1, controllers: ['blkio'] } as const;
judges(controllers, [
  [{ version: 'v2', hierarchies: [V2] }, 'ok', /^cgroup v2: cpuset cpu io memory pids \(v2\)$/],
  [{ version: 'v1', hierarchies: [...V1, BLKIO] }, 'ok', /^cgroup v1: memory \(v1\); /],
  [{ version: 'hybrid', hierarchies: [...V1, { version: 2, controllers: ['io'] }] }, 'ok', /io \(v2\)$/],
  [{ version: 'v1', hierarchies: V1 }, 'failed', /^no blkio; /],
  [
    { version: 'v2', hierarchies: [{ version: 2, controllers: ['cpuset', 'cpu', 'io', 'pids'] }] },
    'failed',
    /^no memory; /,
    'docker',
    'on the host: cgroup_enable=memory on the kernel command line, or a kernel with the missing controllers',
  ],
  [{ version: undefined, hierarchies: [] }, 'unknown', /no cgroup tree/],
]);

judges(oomCounts, [
  [{ vmstat: true, cgroups: 'v1' }, 'ok', /memory\.oom_control/],
  [{ vmstat: true, cgroups: 'v2' }, 'ok', /memory\.events/],
  [{ vmstat: true, cgroups: 'none' }, 'note', /^counted for the host/],
  [{ vmstat: true, cgroups: 'off' }, 'failed', /^counted for the host only/],
  [{ vmstat: true, cgroups: 'old' }, 'failed', /for the host only/, 'shell', 'Linux 4.13 or newer'],
  [{ vmstat: false, cgroups: 'v2' }, 'failed', /vmstat is missing, or has no oom_kill/],
]);

const KMSG = {
  path: '/dev/kmsg',
  isRestricted: true as boolean | undefined,
  hasSyslog: true,
  uid: 0,
  access: undefined,
  read: undefined,
};
judges(kmsg, [
  [KMSG, 'ok', /^\/dev\/kmsg is readable \(kernel\.dmesg_restrict is 1\)$/],
  [{ ...KMSG, path: undefined }, 'ok', /^disabled/],
  [{ ...KMSG, isRestricted: false, hasSyslog: false }, 'ok', /is 0\)$/],
  [{ ...KMSG, isRestricted: undefined }, 'ok', /\(kernel\.dmesg_restrict is unknown\)$/],
  [
    { ...KMSG, access: 'ENOENT', read: 'ENOENT' },
    'failed',
    /^\/dev\/kmsg does not exist$/,
    'docker',
    '--device /dev/kmsg:/dev/kmsg:r',
  ],
  [{ ...KMSG, access: 'EPERM', read: 'EPERM' }, 'failed', /device cgroup/, 'docker', '--device /dev/kmsg:/dev/kmsg:r'],
  [{ ...KMSG, access: 'EACCES', read: 'EACCES', uid: 1 }, 'failed', /the mode of/],
  [
    { ...KMSG, read: 'other' },
    'failed',
    /^\/dev\/kmsg is something else than the kernel log$/,
    'docker',
    '--device /dev/kmsg:/dev/kmsg:r',
  ],
  [
    { ...KMSG, hasSyslog: false, read: 'EPERM' },
    'failed',
    /^\/dev\/kmsg needs CAP_SYSLOG: kernel\.dmesg_restrict is 1$/,
    'docker',
    '--cap-add SYSLOG',
  ],
]);
test('/dev/kmsg that cannot be read for no known reason is unknown', () => {
  expect(kmsg.judge({ ...KMSG, read: 'EIO' })).toMatchObject({
    status: 'unknown',
    message: '/dev/kmsg cannot be read: EIO',
  });
  expect(kmsg.judge({ ...KMSG, read: 'EPERM' }).status).toBe('unknown');
});

judges(pressure, [
  [{ host: true, version: 'v2' }, 'ok', /each cgroup/],
  [{ host: true, version: 'hybrid' }, 'note', /need cgroup v2/],
  [{ host: false, version: 'v2' }, 'failed', /no \/proc\/pressure/],
]);

const FOUND = {
  count: 5,
  ids: new Set<string>(),
  podContainers: [],
  podmanContainers: [],
  engines: { docker: 4, lxc: 1 },
  denied: 0,
  empty: 0,
  example: undefined,
  unseen: 0,
  otherCgroups: 3,
};
judges(containers, [
  [undefined, 'unknown', /no cgroup tree/],
  [{ ...FOUND, count: 0, engines: {} }, 'ok', /^none found$/],
  [{ ...FOUND, count: 0, engines: {}, unseen: 1 }, 'failed', /^none found; 1 cgroup cannot be looked at$/],
  [FOUND, 'ok', /^5 found: 4 docker, 1 lxc$/],
  [{ ...FOUND, empty: 1 }, 'ok', /; 1 of them without a process$/],
  [{ ...FOUND, empty: 5 }, 'failed', /none of their processes is visible/],
  [{ ...FOUND, denied: 2, example: 'EACCES: no' }, 'failed', /; 2 of them cannot be inspected \(EACCES: no\)$/],
  [{ ...FOUND, denied: 5, example: 'EACCES: no' }, 'failed', /; all of them cannot/],
]);

const INOTIFY = {
  maxInstances: 128,
  maxWatches: 1000,
  instances: 1,
  watches: 10,
  isAll: true,
  needed: 5,
  refusal: undefined,
};
judges(inotify, [
  [INOTIFY, 'ok', /^its user holds 10 of 1000 watches and 1 of 128 instances; the exporter needs at most 5 watches$/],
  [
    { ...INOTIFY, isAll: false, needed: undefined },
    'ok',
    /^its user holds at least 10 of 1000 watches and 1 of 128 instances$/,
  ],
  [
    { ...INOTIFY, maxInstances: undefined, maxWatches: undefined },
    'ok',
    /^its user holds 10 of an unknown number of watches and 1 of an unknown number of instances;/,
  ],
  [{ ...INOTIFY, watches: 900 }, 'note', /^nearly exhausted/],
  [{ ...INOTIFY, instances: 120 }, 'note', /^nearly exhausted/],
  [{ ...INOTIFY, needed: 995 }, 'failed', /^too few/, 'shell', 'sysctl -w fs.inotify.max_user_watches=8192'],
  [
    { ...INOTIFY, watches: 10_000, maxWatches: 10_000, refusal: 'ENOSPC' },
    'failed',
    /^no watch available \(ENOSPC\)/,
    'kubernetes',
    'on the node: sysctl -w fs.inotify.max_user_watches=20010',
  ],
  [
    { ...INOTIFY, maxInstances: 5000, refusal: 'EMFILE' },
    'failed',
    /EMFILE/,
    'shell',
    'sysctl -w fs.inotify.max_user_instances=10000',
  ],
]);

judges(descriptors, [
  [{ budget: 65_024, containers: 100 }, 'ok', /^65024 can stay open, enough for \d+ containers$/],
  [{ budget: 512, containers: 100 }, 'note', /of 100; the rest cost more CPU$/, 'systemd', 'LimitNOFILE=65536'],
  [{ budget: 0, containers: 1 }, 'note', /^0 can stay open, enough for 0/],
]);

const DOCKER = {
  engine: 'docker',
  host: 'unix:///d.sock',
  isDefault: true,
  answer: 'answers',
  containers: 0,
  named: 0,
  unseen: [] as readonly string[] | undefined,
  others: [],
  hidden: 0,
} as const;
judges(docker, [
  [[DOCKER], 'ok', /^answers at unix:\/\/\/d\.sock$/],
  [
    [{ ...DOCKER, unseen: ['a', 'b', 'c', 'd', 'e', 'f'] }],
    'note',
    /; it lists 6 without a cgroup here, which the exporter cannot see: a, b, c, d, e and 1 more$/,
  ],
  [[{ ...DOCKER, unseen: undefined }], 'note', /, but does not list containers$/],
  [[{ ...DOCKER, others: ['/run/user/1/docker.sock'] }], 'ok', /; unused: \/run\/user\/1\/docker\.sock$/],
  [[{ ...DOCKER, others: undefined }], 'ok', /; sockets of users are not visible$/],
  [[{ ...DOCKER, hidden: 1 }], 'ok', /^answers at unix:\/\/\/d\.sock; sockets of 1 user are not visible$/],
  [
    [{ ...DOCKER, others: ['/run/user/1/docker.sock'], hidden: 2 }],
    'ok',
    /; unused: \/run\/user\/1\/docker\.sock; sockets of 2 users are not visible$/,
  ],
  [[{ ...DOCKER, answer: 'absent' }], 'ok', /^nothing at/],
  [
    [{ ...DOCKER, answer: 'hidden' }],
    'note',
    /^no permission to look for unix:\/\/\/d\.sock; this host has none of its containers$/,
  ],
  [[{ ...DOCKER, answer: 'hidden', containers: undefined }], 'note', /^no permission to look for unix:\/\/\/d\.sock$/],
  [[{ ...DOCKER, answer: 'hidden', containers: 2 }], 'failed', /does not answer: EACCES; 2 of its containers/],
  [[{ ...DOCKER, answer: 'hidden', isDefault: false }], 'failed', /does not answer: EACCES$/],
  [[{ ...DOCKER, answer: 'absent', containers: 2 }], 'failed', /2 of its containers are shown by id/],
  [[{ ...DOCKER, answer: 'absent', isDefault: false }], 'failed', /^nothing at/],
  [[{ ...DOCKER, host: undefined, answer: undefined, containers: 1 }], 'ok', /^disabled; 1 of its containers is/],
  [
    [{ ...DOCKER, answer: { error: 'No answer (ping)' } }],
    'failed',
    /^unix:\/\/\/d\.sock does not answer: No answer/,
    // Rights would not help.
    'systemd',
    'find out why docker does not answer there',
  ],
  [
    [{ ...DOCKER, answer: { error: 'EACCES' } }],
    'failed',
    /^unix:\/\/\/d\.sock does not answer: EACCES$/,
    'systemd',
    'SupplementaryGroups=docker (equivalent to root), or --docker.host= to disable',
  ],
]);

test('several engines are reported together, and the worst decides', () => {
  const second = { ...DOCKER, host: '/e.sock', answer: { error: 'EACCES' } } as const;
  const { status, message, remedies } = docker.judge([DOCKER, second]);
  expect([status, message]).toEqual(['failed', 'answers at unix:///d.sock; /e.sock does not answer: EACCES']);
  expect(remedies?.systemd).toContain('SupplementaryGroups=docker');
});

judges(podman, [
  [
    [{ ...DOCKER, engine: 'podman', answer: 'absent', containers: 2, named: 2 }],
    'ok',
    /; conmon names 2 of 2 of its containers, without images$/,
  ],
  [[{ ...DOCKER, engine: 'podman', answer: 'absent', containers: 2, named: 1 }], 'failed', /; conmon names 1 of 2/],
  [[{ ...DOCKER, engine: 'podman', answer: 'hidden', containers: 2, named: 2 }], 'note', /; conmon names 2 of 2/],
  [[{ ...DOCKER, engine: 'podman', host: undefined, containers: 2, named: 2 }], 'ok', /^disabled; conmon names 2 of 2/],
]);

test('podman has remedies of its own', () => {
  const { remedies } = podman.judge([{ ...DOCKER, engine: 'podman', answer: { error: 'EACCES' } }]);
  expect(remedies?.systemd).toContain('podman.socket');
  expect(JSON.stringify(remedies)).not.toContain('docker.host');
});

const CRI = {
  endpoints: [{ endpoint: 'unix:///c.sock', answer: 'answers' }],
  isDefault: true,
  containers: 0,
  namedByLogs: 0,
} as const;
const criSays = (...answers: readonly EngineAnswer[]) => ({
  ...CRI,
  endpoints: answers.map((answer, index) => ({ endpoint: `/${index}`, answer })),
});
judges(cri, [
  [CRI, 'ok', /^answers at unix:\/\/\/c\.sock$/],
  [criSays({ error: 'EACCES' }, 'answers'), 'ok', /^answers at \/1$/],
  [
    { ...CRI, endpoints: [], containers: 3 },
    'ok',
    /^disabled; 3 containers in pods are shown by id, pause containers included$/,
  ],
  [
    { ...CRI, endpoints: [], containers: 3, namedByLogs: 2 },
    'ok',
    /^disabled; the kubelet's logs name 2 of 3 containers in pods, without images$/,
  ],
  [
    { ...criSays('absent'), containers: 3, namedByLogs: 2 },
    'note',
    /^nothing at \/0; the kubelet's logs name 2 of 3 containers in pods, without images$/,
  ],
  [
    { ...criSays('absent'), isDefault: false, containers: 3, namedByLogs: 2 },
    'failed',
    /^nothing at \/0; the kubelet's/,
  ],
  [criSays('absent', 'absent'), 'ok', /^nothing at \/0 or \/1; this host has no container in a pod$/],
  [{ ...criSays('absent', 'absent'), containers: undefined }, 'ok', /^nothing at \/0 or \/1$/],
  [
    criSays('absent', { error: 'EACCES' }),
    'note',
    /^\/1 does not answer: EACCES; this host has no container in a pod$/,
  ],
  [{ ...criSays('absent'), isDefault: false }, 'failed', /^nothing at \/0$/],
  [
    { ...criSays('hidden', 'absent'), containers: 1 },
    'failed',
    /^\/0 does not answer: EACCES; 1 container in a pod is shown by id, pause containers included$/,
    'kubernetes',
    'the overlay cri (equivalent to root on the node), or --cri.endpoint= to disable',
  ],
]);

const LOGS = { directory: '/logs', isDefault: true, error: undefined, containers: 3, named: 2 };
judges(kubeletLogs, [
  [undefined, 'ok', /^disabled$/],
  [LOGS, 'ok', /^\/logs can be listed; it names 2 of 3 containers in pods; pause containers have no log$/],
  [{ ...LOGS, named: 3 }, 'ok', /; it names 3 of 3 containers in pods$/],
  [{ ...LOGS, containers: 0, named: 0 }, 'ok', /; this host has no container in a pod$/],
  [{ ...LOGS, containers: undefined, named: 0 }, 'ok', /^\/logs can be listed$/],
  [{ ...LOGS, error: 'ENOENT', named: 0 }, 'ok', /^nothing at \/logs$/],
  [{ ...LOGS, error: 'EACCES', named: 0 }, 'note', /^\/logs cannot be listed: EACCES$/],
  [
    { ...LOGS, error: 'ENOENT', named: 0, isDefault: false },
    'failed',
    /^nothing at \/logs$/,
    'kubernetes',
    'a read-only hostPath volume of /var/log/containers, or --path.container-logs= to disable',
  ],
]);

judges(variables, [
  [[], 'ok', /^all ISOLATION_EXPORTER_ variables name an option/],
  [['ISOLATION_EXPORTER_X'], 'note', /ISOLATION_EXPORTER_X$/],
]);

const ACCEPT = { path: '/etc/a.yml', error: undefined, entries: 3, expired: [] };
judges(acceptFile, [
  [undefined, 'ok', /^not used$/],
  [ACCEPT, 'ok', /^\/etc\/a\.yml: 3 entries$/],
  [{ ...ACCEPT, entries: 1 }, 'ok', /: 1 entry$/],
  [{ ...ACCEPT, expired: [4, 9] }, 'note', /^\/etc\/a\.yml: 3 entries, 2 of them expired \(line 4, 9\)$/],
  [{ ...ACCEPT, entries: 20, expired: Array.from({ length: 11 }, (_, line) => line) }, 'note', /, 9, …\)$/],
  [
    { ...ACCEPT, error: 'line 2, entry 1: reason: missing' },
    'failed',
    /^\/etc\/a\.yml: line 2, entry 1: reason: missing$/,
    'kubernetes',
    'correct the ConfigMap, and mount it without subPath',
  ],
]);
