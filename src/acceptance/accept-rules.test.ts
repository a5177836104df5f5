import { describe, expect, test } from 'vitest';
import type { Labels, Names } from '../container.ts';
import { parseAcceptFile } from './accept-file.ts';
import { AcceptRules, type MatchedContainer } from './accept-rules.ts';

const NOW = Date.UTC(2026, 10, 29, 12);

function container(labels: Partial<Labels>, names: Names = {}): MatchedContainer {
  return { labels: { engine: 'docker', namespace: '', pod: '', container: 'web', ...labels }, names };
}

function rulesOf(...entries: readonly string[]): AcceptRules {
  return new AcceptRules(parseAcceptFile(`accept:\n${entries.map((entry) => `  - ${entry}\n`).join('')}`));
}

/** The accepted findings, each with the reason. */
function acceptedBy(rules: AcceptRules, of: MatchedContainer, now = NOW): Record<string, string> {
  const accepted = rules.of(of, now);
  expect(accepted?.size).not.toBe(0);
  return Object.fromEntries([...(accepted ?? [])].map(([id, { reason }]) => [id, reason]));
}

describe('an entry', () => {
  const web = container({ container: 'web-1' }, { image: 'registry.example/web:1', matchedLabels: { app: 'web' } });
  const inPod = container({ engine: 'containerd', namespace: 'shop', pod: 'cart-1', container: 'app' });
  test.each([
    ['{ container: web-1 }', [web]],
    ['{ container: web }', []],
    ['{ container: [app, "web-*"] }', [web, inPod]],
    ['{ engine: docker }', [web]],
    ['{ engine: "*" }', [web, inPod]],
    ['{ namespace: shop, pod: "cart-*" }', [inPod]],
    ['{ namespace: shop, pod: "web-*" }', []],
    // What is absent or unknown matches nothing.
    ['{ namespace: "*" }', [inPod]],
    ['{ image: "*" }', [web]],
    ['{ image: "registry.example/*", container: "web*" }', [web]],
    ['{ labels: { app: "w*" } }', [web]],
    ['{ labels: { app: "w*", tier: "*" } }', []],
    ['{ labels: { __proto__: "*" } }', []],
  ])('for %s matches by its names', (match, expected) => {
    const rules = rulesOf(`{ match: ${match}, findings: [net_raw], reason: fine }`);
    expect([web, inPod].filter((each) => rules.of(each, NOW) !== undefined)).toEqual(expected);
  });

  test('holds until the end of its last day in UTC, whenever it was asked before', () => {
    const rules = rulesOf('{ match: { container: web }, findings: [net_raw], reason: fine, expires: 2026-11-30 }');
    const web = container({});
    const end = Date.UTC(2026, 11, 1);
    for (const [now, holds] of [
      [end - 1, true],
      [end, false],
      [end + 1e9, false],
      // The clock was set back.
      [end - 1, true],
      [0, true],
    ] as const) {
      expect(rules.of(web, now) !== undefined, String(now)).toBe(holds);
    }
  });
});

test('the first entry that holds counts for each finding', () => {
  const rules = rulesOf(
    '{ match: { container: web }, findings: [net_raw], reason: first, expires: 2026-11-30 }',
    '{ match: { container: w* }, findings: [net_raw, seccomp_disabled], reason: second, expires: 2026-12-31 }',
    '{ match: { container: other }, findings: [privileged], reason: third }',
  );
  const web = container({});
  expect(acceptedBy(rules, web)).toEqual({ net_raw: 'first', seccomp_disabled: 'second' });
  expect(acceptedBy(rules, web, Date.UTC(2026, 11, 1))).toEqual({ net_raw: 'second', seccomp_disabled: 'second' });
  expect(acceptedBy(rules, web, Date.UTC(2027, 0, 1))).toEqual({});
});

test('a label asks only for findings that its entry allows', () => {
  const rules = rulesOf(
    '{ match: { container: "ci-*" }, findings: [net_raw, seccomp_disabled], from_label: ask, reason: asked }',
  );
  const asking = (value: string, name = 'ci-1') => container({ container: name }, { matchedLabels: { ask: value } });
  for (const separated of [
    'net_raw,seccomp_disabled',
    'net_raw, seccomp_disabled',
    'seccomp_disabled.net_raw',
    ' net_raw seccomp_disabled ',
  ]) {
    expect(acceptedBy(rules, asking(separated))).toEqual({ net_raw: 'asked', seccomp_disabled: 'asked' });
  }
  expect(acceptedBy(rules, asking('net_raw,privileged,nonsense,*'))).toEqual({ net_raw: 'asked' });
  for (const nothing of ['', 'privileged', '*', 'NET_RAW']) expect(acceptedBy(rules, asking(nothing))).toEqual({});
  // The file decides for which containers.
  expect(acceptedBy(rules, asking('net_raw', 'web'))).toEqual({});
  expect(acceptedBy(rules, container({ container: 'ci-2' }))).toEqual({});
});

test('the answer is the same object as long as nothing changes, also for other containers', () => {
  const rules = rulesOf(
    '{ match: { container: "web*" }, findings: [net_raw], reason: fine, expires: 2026-11-30 }',
    '{ match: { container: "web*" }, findings: [seccomp_disabled], from_label: ask, reason: asked }',
  );
  const [one, two] = [container({ container: 'web-1' }), container({ container: 'web-2' })];
  const accepted = rules.of(one, NOW);
  expect(accepted).toBeDefined();
  expect(rules.of(one, NOW + 3_600_000)).toBe(accepted);
  expect(rules.of(two, NOW + 3_600_000)).toBe(accepted);
  // New labels come as a new object.
  const renamed = container({ container: 'web-1' }, { matchedLabels: { ask: 'seccomp_disabled' } });
  expect([...(rules.of(renamed, NOW)?.keys() ?? [])].toSorted()).toEqual(['net_raw', 'seccomp_disabled']);
});
