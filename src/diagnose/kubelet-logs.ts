import { defineCheck, type CheckResult, type Remedies } from './check.ts';
import type { KubeletNames } from './kubelet-names.ts';

/** Whether the names of log files name containers in pods. */
export const kubeletLogs = defineCheck<KubeletNames | undefined>({
  name: 'kubelet logs',
  read: (subject) => subject.kubeletNames(),
  judge(found): CheckResult {
    if (found === undefined) return { status: 'ok', message: 'disabled' };
    const { directory, isDefault, error, containers, named } = found;
    if (error === undefined) {
      return { status: 'ok', message: `${directory} can be listed${namesText(containers, named)}` };
    }
    const message = error === 'ENOENT' ? `nothing at ${directory}` : `${directory} cannot be listed: ${error}`;
    if (isDefault && (error === 'ENOENT' || (containers ?? 0) === named)) return { status: 'ok', message };
    if (isDefault) return { status: 'note', message };
    return {
      status: 'failed',
      message,
      missing: 'names of pods and containers, where no container runtime is asked',
      remedies: REMEDIES,
    };
  },
});

/** How many containers in pods the logs name, and what the others may be. */
function namesText(containers: number | undefined, named: number): string {
  if (containers === undefined) return '';
  if (containers === 0) return '; this host has no container in a pod';
  const others = containers - named;
  const rest = others === 0 ? '' : '; pause containers have no log';
  return `; it names ${named} of ${containers} ${containers === 1 ? 'container' : 'containers'} in pods${rest}`;
}

const REMEDIES: Remedies = {
  shell: 'set --path.container-logs to the directory; --path.container-logs= to disable',
  systemd: 'let the unit read the directory, or --path.container-logs= to disable',
  docker: '-v /var/log/containers:/var/log/containers:ro, or --path.container-logs= to disable',
  kubernetes: 'a read-only hostPath volume of /var/log/containers, or --path.container-logs= to disable',
};
