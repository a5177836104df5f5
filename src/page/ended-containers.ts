import type { EndedReport } from '../report/host-report.ts';
import { nameOf } from '../report/wording.ts';
import { endedText } from './container-details.ts';
import { countText } from './duration.ts';
import { type Markup, markup } from './markup.ts';

/** Renders the containers that do not run and that their engines keep. `at` is now, in ms since the epoch. */
export function endedContainers(ended: readonly EndedReport[], at: number): Markup | undefined {
  if (ended.length === 0) return undefined;
  return markup`<section id="ended" class="more" aria-label="Containers that have ended">
    <details id="ended-list">
      <summary>${countText(ended.length, 'container')} that ${ended.length === 1 ? 'has' : 'have'} ended</summary>
      <ul>
        ${ended.map((record) => item(record, at))}
      </ul>
    </details>
  </section>`;
}

function item({ labels, exit = {}, restarts = 0, shouldRun }: EndedReport, at: number): Markup {
  return markup`<li>
    <bdi class="name">${nameOf(labels)}</bdi> <span class="quiet">${labels.engine}</span> ${endedText(exit, at)}${
      restarts === 0 ? undefined : markup`, restarted ${countText(restarts, 'time')}`
    }${shouldRun ? markup`, <strong>should run</strong>` : undefined}
  </li>`;
}
