import type { HostReport } from '../report/host-report.ts';
import { type Markup, markup } from './markup.ts';

/** What is lost without a source. */
const MEANINGS: Readonly<Record<string, string>> = {
  cgroup_watch: 'the kernel tells of containers that come and go; without it they are looked for each second',
  host_namespaces: 'the namespaces of the host are known; without them it is unknown who shares them',
  vmstat: 'the kernel counts the OOM kills of the host',
  psi: 'the kernel measures pressure',
  kmsg: 'the log of the kernel tells of OOM kills as they happen',
  docker: 'gives names to its containers; without it they are called by their ids',
  podman: 'gives names to its containers; without it they are called by their ids',
};

/** Renders whether what the exporter relies on works. It is folded as long as all does. */
export function sourceHealth({ sources }: HostReport): Markup {
  const down = [...sources].filter(([, up]) => !up).map(([name]) => name);
  const items = [...sources].map(
    ([name, up]) =>
      markup`<li>
        <code>${name}</code> ${up ? 'works' : markup`<strong class="warning">does not work</strong>`}
        <small>${MEANINGS[name]}</small>
      </li>`,
  );
  const [open, summary] =
    down.length === 0
      ? [undefined, markup`<summary>All sources work</summary>`]
      : [markup` open`, markup`<summary class="warning">Not working: ${down.join(', ')}</summary>`];
  return markup`<details id="sources" class="sources"${open}>
    ${summary}
    <ul>${items}</ul>
  </details>`;
}
