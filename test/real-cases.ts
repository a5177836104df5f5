/** A condition on real hosts in which an exporter of containers says something wrong, or this one once did. */
export interface RealCase {
  readonly condition: string;
  /** What is right. */
  readonly right: string;
  /** Files with tests of it, each with words of the test: its name, or the row of its table. */
  readonly tests: Readonly<Record<string, string>>;
}

const PATHS = 'src/identify/cgroup-path.test.ts';
const LIMITS = 'src/collectors/limits.test.ts';
const LIMITERS = 'src/collectors/limiters.test.ts';
const SETTLE = 'src/identify/settle.test.ts';
const SHARES = 'test/rules/firing-shares.rules.test.ts';

/** Conditions from public reports and from platforms that were looked at, by what they are about. */
export const REAL_CASES: Readonly<Record<string, readonly RealCase[]>> = {
  'Limits, and whether they were reached': [
    {
      condition: 'the CPU quota is set above the container',
      right: 'throttling is that of the cgroup with the quota, and the container has none of its own',
      tests: {
        [LIMITERS]: 'is exported for each cgroup with a quota, from its own cpu.stat',
        'test/live/limits.live.test.ts': 'of a task: throttling, memory events and refused forks are those of the task',
      },
    },
    {
      condition: 'the PIDs limit is set above the container, before and since Linux 6.11',
      right: 'refused forks are of the limit that refused them, never 0 because another counter has them',
      tests: { [LIMITERS]: 'come from the limited cgroup since Linux 6.11' },
    },
    {
      condition: 'the mount option `pids_localevents`',
      right: 'refused forks are counted in the container',
      tests: { [LIMITERS]: 'are counted in the container again with pids_localevents' },
    },
    {
      condition: 'the memory limit is set above the container',
      right: 'memory events are of the cgroup with the limit',
      tests: { [LIMITERS]: 'are those of each limit itself, not those of all cgroups below it' },
    },
    {
      condition: 'crun sets the swap limit right only in a cgroup inside',
      right: 'limits count from the cgroup of the init process upwards',
      tests: {
        [LIMITS]: "begins at the init process's cgroup: crun sets the right swap limit only there",
        'test/live/crun.live.test.ts': 'the limits of both cgroups are there, each with what it did',
      },
    },
    {
      condition: 'crun sets the same quota twice',
      right: 'hits are the own ones of the container',
      tests: { [LIMITERS]: "are the container's own if all limits are in it, as crun sets the same one twice" },
    },
    {
      condition: 'a limit of all pods, a slice or the host',
      right: 'the container has no limit of its own; the effective one is shown with its owner',
      tests: {
        [LIMITS]: 'that only shares a limit with strangers has none: %s',
        'test/live/limits.live.test.ts': 'of kubepods are no limits of a BestEffort pod',
      },
    },
    {
      condition: 'a limit of the pod alone',
      right: 'it is a limit of its containers, with its use and its throttling',
      tests: {
        'test/live/limits.live.test.ts': 'of a pod are limits of its containers',
        'test/live/limit-alerts.live.test.ts':
          'the numbers are those of the limiting cgroup, and none are of the container',
      },
    },
    {
      condition: 'page cache fills the memory limit',
      right: 'only what cannot be reclaimed is near the limit',
      tests: {
        'src/collectors/unreclaimable-memory.test.ts': 'has no page cache in it, however much of it is active',
        'test/live/memory-near-limit.live.test.ts': 'memory that the kernel cannot free, on this host',
      },
    },
    {
      condition: 'Linux before 4.16 has no `blkio.throttle.io_service_bytes_recursive`',
      right: 'I/O is read from the older files',
      tests: {
        'src/collectors/collectors.test.ts':
          'reads the files of kernels before 4.16, which do not count the cgroups inside',
      },
    },
    {
      condition: 'a file of a limit is empty or in no form that the kernel writes',
      right: 'the limit is unknown, not "unlimited"',
      tests: { [LIMITS]: 'above a container makes the lowest limit unknown, and not higher than it may be' },
    },
  ],
  Hierarchies: [
    {
      condition: 'the engine is in a cgroup of its own in one v1 hierarchy only',
      right: 'each file is read at its own path, and a kill told under one of them is of the container',
      tests: {
        'src/kernel/cgroup-places.test.ts': 'follows the init into another place',
        'test/live/hierarchies.live.test.ts': 'has its limits, and its OOM kills under its own name',
      },
    },
    {
      condition: 'a container is not at its path in a v1 hierarchy',
      right: 'its limits there are unknown',
      tests: { [LIMITS]: 'that is not at its path on v1 has limits that nobody knows' },
    },
    {
      condition: 'a hierarchy is mounted below itself',
      right: 'each container is shown once, under its own name',
      tests: {
        'src/discover/walker.test.ts': 'rereads the mounts when it meets a directory a second time',
        'test/live/hierarchies.live.test.ts':
          'shows each container once, whether a mount was there at the start or came later',
      },
    },
    {
      condition: 'a container has a cgroup with its own id inside',
      right: 'it is one container',
      tests: { [PATHS]: '`/kubepods/pod${UID}/${A}/kubepods/pod${UID}/${A}/x`' },
    },
    {
      condition: 'the name of a cgroup is not UTF-8',
      right: 'it is reported as not looked at',
      tests: { 'src/discover/walk.test.ts': 'reports a name that is not UTF-8, and finds what is beside it' },
    },
  ],
  'Who is a container, and whose': [
    {
      condition: 'steps of a build under the systemd driver',
      right: 'each is a container of BuildKit',
      tests: { [PATHS]: '`/system.slice/system.slice:docker:${STEP}`' },
    },
    {
      condition: 'steps of a build of Buildah',
      right: 'each is a container of Buildah',
      tests: { [PATHS]: "'/buildah-buildah3126431232'" },
    },
    {
      condition: 'the cgroup of a Podman pod has a name of 64 hex digits',
      right: 'it is no container, and neither is conmon',
      tests: { [SETTLE]: 'a pod of Podman is not a container', [PATHS]: '`/machine.slice/libpod-conmon-${A}.scope`' },
    },
    {
      condition: 'handles of Garden with 32 and 36 characters, at the root and below other parents',
      right: 'each is a container of Garden',
      tests: { [PATHS]: '`/garden/good/${UID}`' },
    },
    {
      condition: 'the client chose the cgroup of a container of containerd',
      right: 'its shim confirms it',
      tests: { [PATHS]: "'/podruntime/kubelet'", [SETTLE]: 'a candidate is confirmed by namespace and id' },
    },
    {
      condition: 'a virtual machine in machine.slice',
      right: 'it is no container of nspawn',
      tests: { [SETTLE]: 'a scope of machined is a container once it has a payload, or if systemd-nspawn is in it' },
    },
    {
      condition: 'nspawn in a unit of its own, a service or a scope',
      right: 'its payload is a container, its supervisor is not',
      tests: { [SETTLE]: 'a payload in a unit of its own is a container beside its supervisor only' },
    },
    {
      condition: 'the path does not say whose a container is',
      right: 'it belongs to the engine that lists its id',
      tests: { [SETTLE]: 'an engine that lists the id has it, with a process or without' },
    },
    {
      condition: 'LXC of libvirt, and Nomad with a parent of its own',
      right: 'each has its engine and its whole id',
      tests: { [PATHS]: '`/custom.slice/share.slice/${ALLOCATION}.scope`' },
    },
    {
      condition: 'Apptainer and SingularityCE name a cgroup after the first process in it',
      right: 'each is a container of its own engine',
      tests: { [PATHS]: '/system.slice/apptainer-3119.scope' },
    },
    {
      condition: "the user of Firecracker's jailer chose the parent of its cgroups",
      right: 'its process confirms a microVM',
      tests: {
        [SETTLE]: 'a microVM of Firecracker is confirmed by its id, wherever the user of its jailer chose the cgroup',
      },
    },
    {
      condition: "Kata's overhead is named after the whole path of its container, or is in a slice of systemd",
      right: 'it is no container',
      tests: { [PATHS]: '`/kata_overhead/kubepods/besteffort/pod${UID}/${A}`' },
    },
    {
      condition: 'somebody runs runc, crun, youki or gVisor without an engine',
      right: 'it is a container of the runtime: its scope has the name, or the runtime in the foreground confirms it',
      tests: {
        [PATHS]: "'/system.slice/runc-oakc.scope'",
        [SETTLE]: 'a runtime without an engine confirms its container, wherever that is',
      },
    },
    {
      condition: 'systemd has a cgroup of its own below the root, as in WSL',
      right: 'containers and their users are found as elsewhere, and services of users are none',
      tests: { [PATHS]: '`/wsl-user/distro-1/systemd${ROOTLESS}/docker-${A}.scope`' },
    },
    {
      condition: 'LXC numbers the cgroup of a container, because one of its last life is still there',
      right: 'the container keeps its name',
      tests: { [SETTLE]: 'a container of LXC keeps its name if LXC has numbered its cgroup' },
    },
    {
      condition: 'tasks of a Swarm service have a new id at each deployment',
      right: 'the next task continues the series of the last',
      tests: { 'test/live/swarm.live.test.ts': 'the next task of a service continues the series of the last' },
    },
    {
      condition: 'the infra container of a Podman pod',
      right: 'it is not shown, and its pod is a label',
      tests: { 'src/engines/podman.test.ts': 'a list has pods, and which containers are infra containers' },
    },
    {
      condition: "Podman's containers without access to its API",
      right: 'their names come from their monitors',
      tests: { 'src/engines/conmon.test.ts': 'names its container, until the container has been gone for a while' },
    },
    {
      condition: 'sockets of k0s and MicroK8s',
      right: 'they are asked by default',
      tests: { 'src/config/config.test.ts': "socket('/var/snap/microk8s/common/run/containerd.sock')" },
    },
    {
      condition: 'a container without a cgroup of its own',
      right: 'it is counted as missing after a minute',
      tests: {
        'src/containers/without-cgroup.test.ts':
          'a container that is listed for a minute without a cgroup counts, until it has one or ends',
      },
    },
    {
      condition: 'pauses are shown by id while the runtime is slow',
      right: 'they leave no series behind',
      tests: {
        'src/oom/retention.test.ts':
          'leaves nothing behind if it turns out to be none that is shown, unless it was killed',
      },
    },
    {
      condition: 'a container ended while its runtime did not look, as at a reboot: containerd answers 255, CRI-O -1',
      right: 'the exit code is unknown, and so is whether it was killed for memory',
      tests: {
        'src/engines/cri.test.ts': "expect(lifeOf({ ...ended, exitCode: -1, reason: 'Error' })).toEqual(unseen)",
      },
    },
    {
      condition: 'a container that ends after seconds and is started again and again',
      right: 'a counter tells each start, also those that no scrape sees',
      tests: { 'src/containers/starts.test.ts': 'lives that no scrape sees are one growing number' },
    },
  ],
  'OOM kills': [
    {
      condition: 'a kernel with `cgroup_disable=memory`',
      right: 'there is no counter for containers, and a source says why',
      tests: { 'src/oom/oom-watch.test.ts': 'exports no kills of containers if the kernel has no memory controller' },
    },
    {
      condition: 'kernels before 4.13 with the old log',
      right: 'the log tells kills and containers',
      tests: { 'src/kernel/oom-report.test.ts': 'reads 4.4 and 4.9' },
    },
    {
      condition: '`memory.oom.group`: one event kills all processes, and counts its victim twice',
      right: 'one event, and each process once',
      tests: {
        'src/kernel/oom-report.test.ts': 'reads a group as one event, the chosen victim twice and the lines slowly',
        'src/oom/event-count.test.ts': 'counts one event a group, also if the chosen process is counted first',
      },
    },
    {
      condition:
        'a user namespace with ids from 2^31 on, as `podman run --userns=auto` has: the kernel logs negative uids',
      right: 'the kill is of its container',
      tests: {
        'src/kernel/oom-report.test.ts':
          'reads a kill in a user namespace with high ids, which the kernel writes as negative uids',
      },
    },
    {
      condition: 'nobody scrapes',
      right: 'the line about a kill is written at once',
      tests: { 'src/oom/retention.test.ts': 'that lives is named without a scrape once it has a kill' },
    },
  ],
  Isolation: [
    {
      condition: 'a type of SELinux that is not container_t: for engines in containers, or made by udica',
      right: 'container_engine_t confines, and what a type of the own policy allows is unknown',
      tests: {
        'src/findings/level.test.ts':
          'of a type of SELinux that only the own policy knows are unknown, and its processes are not stronger than each other',
      },
    },
    {
      condition: 'what Incus, LXC and nspawn mount themselves',
      right: 'it is no choice of the user',
      tests: { 'src/posture/read-mounts.test.ts': 'is not of the user: by %s' },
    },
    {
      condition: 'crun masks directories by binding an empty one of its own',
      right: 'it is no path of the host',
      tests: { 'src/posture/read-mounts.test.ts': '/crun/.empty-directory' },
    },
    {
      condition: 'a program that is called like a sandbox, on a file system whose server does not answer',
      right: 'nothing hangs, and the container is uncertain',
      tests: {
        'test/live/stalled-mounts.live.test.ts':
          'makes unknown what would take a look at the mount, and nothing better than it is',
      },
    },
  ],
  'Alerts and their consumers': [
    {
      condition: 'some scrapes fail, at intervals of 15 s to 120 s, in each release of Prometheus',
      right: 'an alert fires as long as its condition holds',
      tests: { [SHARES]: 'each alert fires while its condition holds, and only then' },
    },
    {
      condition: 'every other scrape of an exporter fails',
      right: 'an alert of its own fires',
      tests: { 'deploy/prometheus/tests/health.yml': 'IsolationExporterScrapesFailing' },
    },
    {
      condition: 'Prometheus with the labels `__type__` and `__unit__`',
      right: 'rules and boards find the same series',
      tests: {
        'test/rules/board-queries.rules.test.ts': 'finds the same series as on the oldest release',
        'test/live/exposition-formats.live.test.ts': 'no family takes the unit of another',
      },
    },
    {
      condition: "promtool's own tests on old and new releases",
      right: 'they pass on each',
      tests: { 'test/rules/prometheus.rules.test.ts': 'does what tests/%s says' },
    },
    {
      condition: 'VictoriaMetrics counts the first sample of a counter',
      right: 'rules of their own do not fire for it',
      tests: { [SHARES]: 'how long alerts fire while scrapes fail, VictoriaMetrics' },
    },
    {
      condition: 'names of containers that are regular expressions',
      right: 'a board selects that container alone',
      tests: { 'test/rules/board-names.rules.test.ts': 'the container %j is selected alone' },
    },
    {
      condition: 'created timestamps',
      right: 'they are the zero from which a counter began, and only on request',
      tests: {
        'test/live/exposition-formats.live.test.ts':
          'start timestamps are ingested as the zero from which a counter began',
      },
    },
    {
      condition: 'one web configuration for several exporters',
      right: 'each setting of the toolkit is accepted, or refused as there',
      tests: {
        'src/web/web-config.test.ts': 'reads everything',
        'test/rules/web-config.rules.test.ts': 'is accepted and refused as promtool does',
      },
    },
  ],
  'Commands and deployment': [
    {
      condition: 'an engine that does not answer in time, asked by root',
      right: 'diagnose proposes no group',
      tests: { 'src/diagnose/checks.test.ts': 'Rights would not help.' },
    },
    {
      condition: 'scan beside a slow runtime',
      right: 'it says which sources gave names, and how many containers have none',
      tests: { 'src/scan/scan-table.test.ts': 'says which sources gave names, and how many containers have none' },
    },
    {
      condition: 'V8 keeps a heap whatever the limit of the container is',
      right: 'each shipped memory limit is twice what 1,000 containers need',
      tests: { 'test/deploy.test.ts': 'in %s has twice what 1,000 containers need' },
    },
  ],
};
