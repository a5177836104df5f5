import type { Standard } from './standard.ts';

const SETTING = 'a setting of the engine, which the kernel does not show';
const PORTS = 'ports are published outside the container';

/** The numbers are those of docker-bench-security, which implements this version. The titles are ours. */
export const CIS_DOCKER = {
  title: 'CIS Docker Benchmark',
  version: '1.6.0',
  url: 'https://www.cisecurity.org/benchmark/docker',
  controls: {
    '4.1': { title: 'User for the container' },
    '5.1': { title: 'Swarm mode', note: SETTING },
    '5.2': { title: 'AppArmor profile' },
    '5.3': { title: 'SELinux options' },
    '5.4': { title: 'Linux kernel capabilities' },
    '5.5': { title: 'Privileged containers' },
    '5.6': { title: 'Sensitive directories of the host' },
    '5.7': { title: 'sshd' },
    '5.8': { title: 'Privileged ports', note: PORTS },
    '5.9': { title: 'Ports that are not needed', note: PORTS },
    '5.10': { title: "The host's network namespace" },
    '5.11': { title: 'Memory limit' },
    '5.12': { title: 'CPU priority', note: 'CPU shares without a quota satisfy the benchmark, but not this check' },
    '5.13': { title: 'Read-only root file system' },
    '5.14': { title: 'Binding to a host interface', note: PORTS },
    '5.15': { title: 'Restart policy', note: SETTING },
    '5.16': { title: "The host's process namespace" },
    '5.17': { title: "The host's IPC namespace" },
    '5.18': { title: 'Devices of the host' },
    '5.19': { title: 'Default ulimit', note: 'whether a container needs another limit is a decision' },
    '5.20': { title: 'Shared mount propagation' },
    '5.21': { title: "The host's UTS namespace" },
    '5.22': { title: 'Default seccomp profile' },
    '5.23': { title: 'docker exec --privileged' },
    '5.24': { title: 'docker exec --user=root', note: 'a setuid program in the container causes the same finding' },
    '5.25': { title: 'Cgroup of the container' },
    '5.26': { title: 'Acquiring additional privileges' },
    '5.27': { title: 'Health check', note: SETTING },
    '5.28': { title: 'Latest version of the image', note: 'about images' },
    '5.29': { title: 'PIDs limit' },
    '5.30': { title: 'Default bridge docker0', note: 'which bridge a container uses is not looked at' },
    '5.31': {
      title: "The host's user namespace",
      note: '--userns=host looks the same as an engine without user namespaces',
    },
    '5.32': { title: 'Docker socket' },
  },
  outside: 'sections 1 to 3 (host, daemon and its files), 4.2 to 4.12 (images), 6 and 7 (operations, Swarm)',
} as const satisfies Standard;
