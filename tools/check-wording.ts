/**
 * Finds phrases that CONTRIBUTING.md tells authors to avoid, and exits with 1 if there are any.
 *
 *     npx tsx tools/check-wording.ts
 */
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';

const ROOT = new URL('..', import.meta.url).pathname;
const GUIDE = 'CONTRIBUTING.md';
const PLACES = ['src', 'test', 'tools', 'packaging', 'docs', 'deploy', 'grafana', 'findings', '.ci', '.github'].concat(
  readdirSync(ROOT).filter((name) => name.endsWith('.md') || name === 'Dockerfile'),
);
/** Captured from other programs, or generated from files that are checked themselves. */
const SKIPPED = ['test/fixtures', 'grafana/dashboards', 'test/golden'];
const TEXT = /(?:\.(?:ts|mjs|sh|pl|md|ya?ml|service|conf|default)|Dockerfile|\.ci\/run)$/;

interface Rule {
  readonly pattern: RegExp;
  readonly better: string;
}

/** The rows of the table in the guide: phrases to avoid, separated by commas, and what to write instead. */
function rulesOf(guide: string): Rule[] {
  const rows = [...tableOf(guide).matchAll(/^\| ([^|]+) \| ([^|]+) \|$/gm)].slice(2);
  return rows.flatMap(([, phrases = '', better = '']) =>
    phrases.split(',').map((phrase) => ({ pattern: patternOf(phrase.trim()), better: better.trim() })),
  );
}

function tableOf(guide: string): string {
  return /\n\| Do not write.*?\n\n/s.exec(guide)?.[0] ?? '';
}

/** Matches a phrase in any case, also across the lines of a comment or of a paragraph. */
function patternOf(phrase: string): RegExp {
  const words = phrase.split(' ').map((word) => word.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`\\b${words.join('(?:\\s+(?:(?:\\*|//|#)\\s+)?)')}\\b`, 'gi');
}

function filesBelow(path: string): string[] {
  if (SKIPPED.includes(relative(ROOT, path))) return [];
  if (!statSync(path).isDirectory()) return TEXT.test(path) ? [path] : [];
  return readdirSync(path).flatMap((name) => filesBelow(join(path, name)));
}

const guide = readFileSync(join(ROOT, GUIDE), 'utf8');
const rules = rulesOf(guide);
if (rules.length === 0) throw new Error(`${GUIDE} has no table of phrases`);
const problems = PLACES.flatMap((place) => filesBelow(join(ROOT, place))).flatMap((path) => {
  const name = relative(ROOT, path);
  const text = name === GUIDE ? guide.replace(tableOf(guide), '') : readFileSync(path, 'utf8');
  return rules.flatMap(({ pattern, better }) =>
    [...text.matchAll(pattern)].map((match) => {
      const line = text.slice(0, match.index).split('\n').length;
      return `${name}:${line}: "${match[0].replaceAll(/\s+/g, ' ')}": write ${better}`;
    }),
  );
});
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
