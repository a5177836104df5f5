/** One line for lists of packages: not a sentence, and less than 80 characters. */
export function summaryOf(description: string): string {
  return description.replace(/:.*$/s, '');
}

/** The version for a distribution: of 0.2.0-rc.1 it makes 0.2.0~rc.1, which dpkg and rpm sort before 0.2.0. */
export function distributionVersion(version: string): string {
  return version.replace('-', '~');
}

export const LONG_DESCRIPTION = `Answers three questions about each container on a Linux host: what does it
share, what are its limits, and did it hit them? It reads the kernel
(cgroupfs and procfs), not the configuration of the engine. It covers Docker,
Podman, containerd, CRI-O, Kubernetes, LXC, systemd-nspawn and others, on
cgroup v1 and v2.

The package has a hardened service with its own user, alerting rules for
Prometheus and dashboards for Grafana.`;
