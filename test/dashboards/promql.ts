import type { SyntaxNode } from '@lezer/common';
import { parser } from '@prometheus-io/lezer-promql';

/** A metric in a query, and the function that is directly applied to it. */
export interface Selector {
  readonly metric: string;
  readonly matchers: readonly { readonly label: string; readonly operator: string; readonly value: string }[];
  /** The range as written: `$__rate_interval`, `24h`. */
  readonly range: string | undefined;
  /** The function applied to the metric. */
  readonly call: string | undefined;
}

/** The static facts about a query. */
export interface Analysis {
  readonly selectors: readonly Selector[];
  /** Labels that its series can have. */
  readonly labels: ReadonlySet<string>;
  /** The labels that the query groups or matches by, and the labels available there. */
  readonly grouped: readonly { readonly label: string; readonly known: ReadonlySet<string> }[];
}

/**
 * Parses a query of a dashboard.
 *
 * @param labelsOf the labels that a metric's series can have.
 * @throws SyntaxError for invalid PromQL, and for syntax that this parser does not support.
 */
export function analyse(query: string, labelsOf: (metric: string) => ReadonlySet<string>): Analysis {
  const text = query
    .replaceAll('$__rate_interval', RATE_INTERVAL)
    .replaceAll('$__range_s', '452')
    .replaceAll('$__range', RANGE);
  const tree = parser.parse(text);
  const selectors: Selector[] = [];
  const grouped: { label: string; known: ReadonlySet<string> }[] = [];
  const source = (node: SyntaxNode) => text.slice(node.from, node.to);

  /** The labels of the result of a node. */
  const visit = (node: SyntaxNode): ReadonlySet<string> => {
    if (node.type.isError) throw new SyntaxError(`no PromQL at ${node.from}: ${query}`);
    switch (node.name) {
      case 'PromQL':
      case 'ParenExpr':
      case 'MatrixSelector':
      case 'FunctionCallBody':
      case 'UnaryExpr':
        return union(children(node).map(visit));
      case 'OffsetExpr':
        return visit(only(node, 'VectorSelector'));
      case 'UnaryOp':
      case 'StringLiteral':
        return new Set();
      case 'FunctionCall': {
        const labels = without(visit(only(node, 'FunctionCallBody')), NAME);
        if (source(only(node, 'FunctionIdentifier')) !== 'label_join') return labels;
        const [target] = only(node, 'FunctionCallBody').getChildren('StringLiteral').map(source);
        return new Set([...labels, target?.slice(1, -1) ?? '']);
      }
      case 'NumberDurationLiteral':
      case 'DurationExpr':
      case 'NumberDurationLiteralInDurationContext':
        return new Set();
      case 'VectorSelector': {
        const selector = selectorOf(node, source);
        selectors.push(selector);
        return new Set([...labelsOf(selector.metric), NAME]);
      }
      case 'AggregateExpr': {
        const inner = visit(only(node, 'FunctionCallBody'));
        const modifier = node.getChild('AggregateModifier');
        const keepsAll = /^(topk|bottomk)$/.test(source(only(node, 'AggregateOp')));
        if (modifier === null) return keepsAll ? inner : new Set();
        if (modifier.getChild('By') === null) throw new SyntaxError(`only "by" is known here: ${query}`);
        const by = labelNames(only(modifier, 'GroupingLabels'), source);
        for (const label of by) grouped.push({ label, known: inner });
        return keepsAll ? inner : new Set(by);
      }
      case 'BinaryExpr': {
        const [left, right] = operands(node).map(visit);
        if (left === undefined || right === undefined) throw new SyntaxError(`an operand is missing: ${query}`);
        const [on, grafted] = node.getChild('MatchingModifierClause')?.getChildren('GroupingLabels') ?? [];
        if (on) for (const label of labelNames(on, source)) grouped.push({ label, known: intersection(left, right) });
        const more = grafted === undefined ? [] : labelNames(grafted, source);
        for (const label of more) grouped.push({ label, known: right });
        // A number has no labels. Comparisons, arithmetic and set operations have those of the left side.
        const labels = new Set([...(left.size === 0 ? right : left), ...more]);
        return CALCULATES.test(
          children(node)
            .map(({ name }) => name)
            .join(' '),
        )
          ? without(labels, NAME)
          : labels;
      }
      default:
        throw new SyntaxError(`${node.name} is not known here: ${query}`);
    }
  };
  return { labels: visit(tree.topNode), selectors, grouped };
}

/** The name of a metric is a label that calculations drop. */
const NAME = '__name__';
const CALCULATES = /\b(Add|Sub|Mul|Div|Mod|Pow|BoolModifier)\b/;

/** Placeholders for Grafana's variables: durations that nobody would write. */
const RATE_INTERVAL = '7m31s';
const RANGE = '7m32s';

function selectorOf(node: SyntaxNode, source: (node: SyntaxNode) => string): Selector {
  const matchers = (node.getChild('LabelMatchers')?.getChildren('UnquotedLabelMatcher') ?? []).map((matcher) => ({
    label: source(only(matcher, 'LabelName')),
    operator: source(only(matcher, 'MatchOp')),
    value: source(only(matcher, 'StringLiteral')).slice(1, -1),
  }));
  const matrix = node.parent?.name === 'MatrixSelector' ? node.parent : undefined;
  const range = matrix === undefined ? undefined : source(only(matrix, 'DurationExpr'));
  const call = (matrix ?? node).parent?.parent;
  return {
    metric: source(only(node, 'Identifier')),
    matchers,
    range: range === RATE_INTERVAL ? '$__rate_interval' : range === RANGE ? '$__range' : range,
    call: call?.name === 'FunctionCall' ? source(only(call, 'FunctionIdentifier')) : undefined,
  };
}

function only(node: SyntaxNode, name: string): SyntaxNode {
  const child = node.getChild(name);
  if (child === null) throw new SyntaxError(`${node.name} without ${name}`);
  return child;
}

function children(node: SyntaxNode): SyntaxNode[] {
  const all: SyntaxNode[] = [];
  for (let child = node.firstChild; child !== null; child = child.nextSibling) all.push(child);
  return all;
}

function operands(node: SyntaxNode): SyntaxNode[] {
  return children(node).filter(({ name, type }) => type.isError || /(Expr|Call|Selector|Literal)$/.test(name));
}

function labelNames(node: SyntaxNode, source: (node: SyntaxNode) => string): string[] {
  return node.getChildren('LabelName').map(source);
}

function union(sets: readonly ReadonlySet<string>[]): ReadonlySet<string> {
  return new Set(sets.flatMap((set) => [...set]));
}

function without(set: ReadonlySet<string>, label: string): ReadonlySet<string> {
  return new Set([...set].filter((each) => each !== label));
}

function intersection(one: ReadonlySet<string>, other: ReadonlySet<string>): ReadonlySet<string> {
  return new Set([...one].filter((label) => other.has(label)));
}
