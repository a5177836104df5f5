import type { AlertRule } from './rule-files.ts';

/** A mutated rule. */
export interface Mutant {
  /** The mutation. */
  readonly what: string;
  readonly rule: AlertRule;
}

/** A mutation outside selectors: where, and the replacement. */
interface Operator {
  readonly name: string;
  readonly pattern: RegExp;
  readonly instead: (text: string) => readonly string[];
}

const OPERATORS: readonly Operator[] = [
  {
    name: 'comparison',
    pattern: /[<>=!]=|[<>]/g,
    instead: choose({
      '<': ['>=', '<='],
      '>': ['<=', '>='],
      '<=': ['>', '<'],
      '>=': ['<', '>'],
      '==': ['!='],
      '!=': ['=='],
    }),
  },
  { name: 'window', pattern: /(?<![\w.])\d+[smhd]\b/g, instead: (text) => scaled(text, [0.5, 2]) },
  {
    name: 'number',
    pattern: /(?<![\w.])\d+(?:\.\d+)?(?![\w.])/g,
    instead: (text) => (Number(text) === 0 ? ['2'] : scaled(text, Number(text) < 1 ? [0.95, 1.05] : [0.6, 1.4])),
  },
  {
    name: 'function',
    pattern:
      /\b(?:max_over_time|last_over_time|sum_over_time|avg_over_time|count_over_time|increase|rate|changes|abs|timestamp|absent)\b/g,
    instead: choose({
      max_over_time: ['min_over_time'],
      last_over_time: ['avg_over_time'],
      sum_over_time: ['max_over_time'],
      avg_over_time: ['max_over_time'],
      count_over_time: ['absent_over_time'],
      increase: ['delta'],
      rate: ['increase'],
      changes: ['resets'],
      abs: [''],
      timestamp: [''],
      absent: [''],
    }),
  },
  {
    name: 'operator',
    pattern: /(?<=\s)(?:or|and|unless|[-+*/])(?=\s)/g,
    instead: choose({
      or: ['and'],
      and: ['or', 'unless'],
      unless: ['and'],
      '-': ['+'],
      '+': ['-'],
      '*': ['/'],
      '/': ['*'],
    }),
  },
];

/** Mutates a rule in every known way, one at a time. */
export function mutantsOf(rule: AlertRule): readonly Mutant[] {
  const mutants: Mutant[] = [];
  for (const { name, pattern, instead } of OPERATORS) {
    for (const { 0: text, index } of rule.expr.matchAll(pattern)) {
      if (isInSelector(rule.expr, index)) continue;
      for (const other of instead(text)) {
        const expr = rule.expr.slice(0, index) + other + rule.expr.slice(index + text.length);
        mutants.push({ what: `${name} at ${index}: ${text} -> ${other}`, rule: { ...rule, expr } });
      }
    }
  }
  mutants.push(...withoutBranches(rule));
  // Everywhere at once: an operation between two vectors needs a matcher on one side only.
  for (const matcher of new Set(rule.expr.match(/\w+(?:=~|!~|!=|=)"[^"]*"/g))) {
    const expr = rule.expr.replaceAll(`${matcher},`, '').replaceAll(matcher, '');
    mutants.push({ what: `without ${matcher}`, rule: { ...rule, expr } });
  }
  if (rule.for !== undefined) {
    const { for: _, ...hasty } = rule;
    mutants.push({ what: 'without for', rule: hasty });
    for (const other of scaled(rule.for, [0.5, 2]))
      mutants.push({ what: `for ${other}`, rule: { ...rule, for: other } });
  }
  const severity = rule.labels['severity'] === 'critical' ? 'warning' : 'critical';
  mutants.push({ what: `severity ${severity}`, rule: { ...rule, labels: { ...rule.labels, severity } } });
  return mutants;
}

/** Removes one side of each `or`, which is on its own line and indented at least as far as both sides. */
function withoutBranches(rule: AlertRule): readonly Mutant[] {
  const lines = rule.expr.split('\n');
  const indentOf = (line: string | undefined) => (line?.trim() ? line.search(/\S/) : -1);
  return lines.flatMap((line, at) => {
    if (line.trim() !== 'or') return [];
    const indent = indentOf(line);
    let [first, last] = [at, at];
    while (indentOf(lines[first - 1]) >= indent) first -= 1;
    while (indentOf(lines[last + 1]) >= indent) last += 1;
    const without = (from: number, to: number) => lines.toSpliced(from, to - from).join('\n');
    return [
      { what: `without the branch before line ${at}`, rule: { ...rule, expr: without(first, at + 1) } },
      { what: `without the branch after line ${at}`, rule: { ...rule, expr: without(at, last + 1) } },
    ];
  });
}

function choose(table: Readonly<Record<string, readonly string[]>>): (text: string) => readonly string[] {
  return (text) => {
    const others = table[text];
    if (others === undefined) throw new Error(`No mutation for ${text}`);
    return others;
  };
}

/** Multiplies a number or a duration. Durations become seconds, because Prometheus does not accept `0.5d`. */
function scaled(text: string, factors: readonly number[]): readonly string[] {
  const [, amount, unit = ''] = /^([\d.]+)(\w*)$/.exec(text) ?? [];
  const seconds = { s: 1, m: 60, h: 3600, d: 86_400 }[unit];
  return factors.map((factor) => {
    const value = Number(amount) * factor;
    return seconds === undefined ? String(Number(value.toPrecision(6))) : `${value * seconds}s`;
  });
}

function isInSelector(expr: string, at: number): boolean {
  return expr.lastIndexOf('{', at) > expr.lastIndexOf('}', at);
}
