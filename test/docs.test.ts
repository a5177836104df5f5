import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { collectors } from '../src/collectors/index.ts';
import { renderMetricsDoc } from '../src/expose/metrics-doc.ts';
import { findings } from '../src/findings/index.ts';
import { renderFindingsDoc } from '../src/findings/findings-doc.ts';
import { renderConfigurationDoc } from '../src/options-doc.ts';
import { helpText } from '../src/options.ts';
import { allFamilies } from './dashboards/families.ts';
import { renderAlertsDoc } from './rules/alerts-doc.ts';
import { groups } from './rules/rule-files.ts';

// After a change: npx vitest run --project program -u
describe('generated documentation is current', () => {
  it('docs/metrics.md', async () => {
    await expect(renderMetricsDoc(collectors)).toMatchFileSnapshot('../docs/metrics.md');
  });

  it('docs/metrics.md has every metric of the exporter', async () => {
    const rows = [...renderMetricsDoc(collectors).matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);
    const names = [...(await allFamilies()).keys()].filter((name) => name.startsWith('isolation_'));
    expect(rows.toSorted()).toEqual(names.toSorted());
  });

  it('docs/findings.md', async () => {
    await expect(renderFindingsDoc(findings)).toMatchFileSnapshot('../docs/findings.md');
  });

  it('docs/configuration.md', async () => {
    const text = `# Configuration\n\n${renderConfigurationDoc(collectors)}`;
    await expect(text).toMatchFileSnapshot('../docs/configuration.md');
  });

  it('docs/alerts.md', async () => {
    await expect(renderAlertsDoc(groups)).toMatchFileSnapshot('../docs/alerts.md');
  });

  it('the help in README.md', () => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
    expect(/<!-- help -->\s*```text\n([\s\S]*?)```/.exec(readme)?.[1]?.trim()).toBe(helpText(collectors).trim());
  });
});
