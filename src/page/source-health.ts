import type { HostReport } from '../report/host-report.ts';
import { type Markup, markup } from './markup.ts';

/** What a source is for, and what is lost without it. */
const MEANINGS: Readonly<Record<string, string>> = {
  cgroup_watch: 'The kernel tells of containers that come and go; without it they are looked for each second.',
  host_namespaces: 'What is the host’s own; without it nobody can tell what is shared with the host.',
  vmstat: 'The OOM kills of the host; without it those in no container are unknown.',
  memory_events: 'The kernel tells of OOM kills; without it they are looked for ten times a second.',
  kmsg: 'The log of the kernel; without it the victims of OOM kills have no names.',
  oom_state_file: 'OOM kills on disk; without it a restart of the exporter forgets them.',
  psi: 'How long processes waited for CPU, memory and disks; without it there are no metrics of pressure.',
  docker: 'Names of its containers; without it they are called by their ids.',
  podman: 'Names of its containers; without it they are called by their ids.',
  cri: 'Names of pods and their containers; without it they are called by their ids.',
};

/** Many hosts do without these on purpose, and nobody is alerted. */
const DETAILS: ReadonlySet<string> = new Set(['kmsg', 'psi']);

/** Renders whether what the exporter relies on works. It is folded as long as all does that matters. */
export function sourceHealth({ sources }: HostReport): Markup {
  const down = [...sources].filter(([, up]) => !up).map(([name]) => name);
  const items = [...sources].map(
    ([name, up]) =>
      markup`<li>
        <code>${name}</code> ${up ? 'works.' : markup`<strong class="warning">does not work.</strong>`}
        <small>${MEANINGS[name]}</small>
      </li>`,
  );
  const matters = down.some((name) => !DETAILS.has(name));
  const text = down.length === 0 ? 'All sources work' : `Sources that do not work: ${down.join(', ')}`;
  return markup`<details id="sources" class="sources"${matters ? markup` open` : undefined}>
    <summary${matters ? markup` class="warning"` : undefined}>${text}</summary>
    <ul>${items}</ul>
    ${down.length === 0 ? undefined : markup`<p><code>isolation-exporter diagnose</code> tells why, and what helps.</p>`}
  </details>`;
}
