import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { renderFamiliesDoc } from '../src/cadvisor/families-doc.ts';
import { collectors } from '../src/collectors/index.ts';
import { renderMetricsDoc } from '../src/exposition/metrics-doc.ts';
import { findings } from '../src/findings/index.ts';
import { renderFindingsDoc } from '../src/findings/findings-doc.ts';
import { renderStandardsDoc } from '../src/findings/standards-doc.ts';
import { renderConfigurationDoc } from '../src/config/configuration-doc.ts';
import { helpText } from '../src/config/command-line.ts';
import { allFamilies } from './dashboards/families.ts';
import { withSection } from './page-section.ts';
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

  it('docs/standards.md', async () => {
    await expect(renderStandardsDoc()).toMatchFileSnapshot('../docs/standards.md');
  });

  it('docs/from-cadvisor.md has every family', async () => {
    const page = readFileSync(new URL('../docs/from-cadvisor.md', import.meta.url), 'utf8');
    const section = { begin: '<!-- families -->', end: '<!-- /families -->' };
    const current = withSection(page, section, renderFamiliesDoc);
    await expect(current).toMatchFileSnapshot('../docs/from-cadvisor.md');
  });

  it('docs/configuration.md', async () => {
    const text = `# Configuration\n\n${renderConfigurationDoc(collectors)}`;
    await expect(text).toMatchFileSnapshot('../docs/configuration.md');
  });

  it('docs/alerts.md', async () => {
    await expect(renderAlertsDoc(groups)).toMatchFileSnapshot('../docs/alerts.md');
  });

  it('README.md has the help', async () => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
    const help = `<!-- help -->\n\n\`\`\`text\n${helpText(collectors).trim()}\n\`\`\`\n\n<!-- /help -->`;
    const current = readme.replace(/<!-- help -->.*<!-- \/help -->/s, () => help);
    expect(current).toContain(help);
    await expect(current).toMatchFileSnapshot('../README.md');
  });
});

const PAGES = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'deploy/docker/README.md'].concat(
  ['docs', 'docs/decisions', 'docs/runbooks', 'findings'].flatMap((folder) =>
    readdirSync(new URL(`../${folder}`, import.meta.url))
      .filter((file) => file.endsWith('.md'))
      .map((file) => `${folder}/${file}`),
  ),
);

describe('hand-written documents agree with the program', () => {
  const pages = PAGES.map((page) => [page, readFileSync(new URL(`../${page}`, import.meta.url), 'utf8')] as const);

  it.each(pages)('%s has no dead links', (page, text) => {
    const links = [...text.matchAll(/\]\((?!https?:)([^)]+)\)/g)].map(([, target = '']) => target);
    expect(links.filter((target) => !leadsSomewhere(target, page))).toEqual([]);
  });

  it.each(['docs/architecture.md', 'CONTRIBUTING.md'])('%s names only source files that exist', (page) => {
    const root = new URL('..', import.meta.url);
    const folders = ['src', 'test', 'tools', 'packaging', 'grafana', '.ci'].map(
      (folder) => new URL(`${folder}/`, root),
    );
    const files = folders.flatMap((folder) => readdirSync(folder, { recursive: true, encoding: 'utf8' }));
    const names = [...readFileSync(new URL(page, root), 'utf8').matchAll(/`([\w./-]+\.(?:ts|js))`/g)];
    const missing = names.map(([, name = '']) => name).filter((name) => !isFile(name, files));
    expect(missing.filter((name) => !existsSync(new URL(name, root)))).toEqual([]);
  });

  it.each(pages)('%s names only metrics that exist', async (_, text) => {
    const families = await allFamilies();
    const names = [...text.matchAll(/\bisolation_\w*[a-z](?![\w*])/g)].map(([name]) => name);
    expect(names.filter((name) => !families.has(name))).toEqual([]);
  });

  it.each(pages)('%s names only options that exist', (_, text) => {
    const flags = /--(?:no-)?((?:web|path|docker|podman|cri|discovery|findings|oom|log|collector)\.[a-z.-]*[a-z])/g;
    const options = [...text.matchAll(flags)].map(([, name = '']) => name);
    const known = renderConfigurationDoc(collectors);
    expect(options.filter((name) => !known.includes(`${name}\``) && !known.includes(`${name} `))).toEqual([]);
  });
});

/** Whether one of the files has this path, or a path that ends with it. */
function isFile(name: string, files: readonly string[]): boolean {
  return files.some((file) => file === name || file.endsWith(`/${name}`));
}

/** Whether a link leads to an existing file, and to an existing heading if it names one. */
function leadsSomewhere(target: string, page: string): boolean {
  const [path = '', anchor] = target.split('#');
  const file =
    path === '' ? new URL(`../${page}`, import.meta.url) : new URL(path, new URL(`../${page}`, import.meta.url));
  if (!existsSync(file)) return false;
  return anchor === undefined || headingsOf(readFileSync(file, 'utf8')).includes(anchor);
}

/** The anchors that GitHub makes from headings. */
function headingsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  );
}
