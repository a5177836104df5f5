import type { HostReport } from '../report/host-report.ts';
import { type Markup, markup } from './markup.ts';

/** What each source is for, and what is lost without it. */
const MEANINGS: Readonly<Record<string, string>> = {
  cgroup_walk: 'A look at every cgroup; containers in one that cannot be looked at are missing.',
  cgroup_watch: 'inotify events for new and removed containers; without them the exporter looks every second.',
  host_namespaces: 'The host’s own namespaces; without them it is unknown what containers share with the host.',
  vmstat: 'The host’s OOM kill counter; without it kills outside containers are unknown.',
  memory_controller: 'The kernel’s memory controller; OOM kills in containers without it cannot be attributed.',
  memory_events: 'inotify events for OOM kills; without them the exporter looks ten times a second.',
  kmsg: 'The kernel log; without it OOM kills have no victims.',
  oom_state_file: 'OOM kills on disk; without it they are lost when the exporter restarts.',
  accept_file: 'Accepted findings; while it is invalid, the last valid entries stay in force.',
  psi: 'Pressure stall information; without it there are no pressure metrics.',
  docker: 'Names of its containers; without it they are shown by id.',
  podman: 'Names of its containers; without it they are shown by id.',
  conmon:
    'Names of Podman’s containers from their monitors; without it, and without Podman’s API, they are shown by id.',
  kubelet_logs: 'Names of pods from the names of their log files; without it, and without cri, they are shown by id.',
  cri: 'Names of pods and their containers; without it they are shown by id.',
};

/** Many hosts lack these on purpose, and no alert fires. */
const DETAILS: ReadonlySet<string> = new Set(['kmsg', 'psi']);

/** Renders the health of the exporter's sources. It is folded while all important ones work. */
export function sourceHealth({ sources }: HostReport): Markup {
  const down = [...sources].filter(([, up]) => !up).map(([name]) => name);
  const items = [...sources].map(
    ([name, up]) =>
      markup`<li>
        <code>${name}</code> ${up ? 'works.' : markup`<strong class="warning">does not work.</strong>`}
        <small>${MEANINGS[name.split(':')[0] ?? '']}</small>
      </li>`,
  );
  const matters = down.some((name) => !DETAILS.has(name));
  const text = down.length === 0 ? 'All sources work' : `Failing sources: ${down.join(', ')}`;
  return markup`<details id="sources" class="sources"${matters ? markup` open` : undefined}>
    <summary${matters ? markup` class="warning"` : undefined}>${text}</summary>
    <ul>${items}</ul>
    ${down.length === 0 ? undefined : markup`<p><code>isolation-exporter diagnose</code> shows why, and how to fix it.</p>`}
  </details>`;
}
