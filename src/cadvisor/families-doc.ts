import { SCRAPE_ERROR } from './exposition.ts';
import { views } from './index.ts';
import { MISSING } from './missing.ts';
import { LAST_SEEN } from './presence.ts';

/** What the documentation says about a family that this exporter has under cAdvisor's name. */
interface Described {
  readonly name: string;
  readonly ours: readonly string[];
  readonly differs?: string;
}

/** All families under cAdvisor's names, in the order of the exposition. */
export const described: readonly Described[] = [
  LAST_SEEN,
  ...views.flatMap(({ families }): readonly Described[] => families),
  SCRAPE_ERROR,
];

/** Renders the tables of `docs/from-cadvisor.md` from the views themselves. */
export function renderFamiliesDoc(): string {
  const offered = described.map(({ name, ours, differs = '' }) => row([name], ours, differs));
  const missing = MISSING.map(({ names, ours = [], why }) => row(names, ours, why));
  return [
    '| At `--web.cadvisor-path` | On `/metrics` | What differs from cAdvisor |',
    '| --- | --- | --- |',
    ...offered,
    '',
    'What is not there, and why:',
    '',
    '| cAdvisor | On `/metrics` | Why |',
    '| --- | --- | --- |',
    ...missing,
    '',
  ].join('\n');
}

function row(names: readonly string[], ours: readonly string[], text: string): string {
  const codes = (all: readonly string[]): string => all.map((each) => `\`${each}\``).join(', ');
  return `| ${codes(names)} | ${ours.length === 0 ? 'none' : codes(ours)} | ${text} |`;
}
