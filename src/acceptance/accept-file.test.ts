import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { labelsIn, parseAcceptFile } from './accept-file.ts';

const VALID = `# Who may do what, and why.
accept:
  - match:
      engine: docker
      container: [node-agent, 'agent-*']
      image: 'registry.example/agent:*'
      labels: { app: agent, tier: '*' }
    findings: [host_pid_namespace, net_raw]
    reason: >
      It reads /proc
      of all processes.
    owner: platform
    expires: 2027-06-30
  - match: { namespace: ci }
    findings: [privileged]
    from_label: isolation-exporter.accept
    reason: Builds ask for it.
`;

/** An entry with this instead of its parts. */
const fileWith = (parts: Readonly<Record<string, unknown>>): string =>
  stringify({
    accept: [
      { match: { container: 'first' }, findings: ['net_raw'], reason: 'fine' },
      { match: { container: 'web' }, findings: ['net_raw'], reason: 'why not', ...parts },
    ],
  });

test('a file has entries with all their parts', () => {
  const [first, second, ...others] = parseAcceptFile(VALID);
  expect(others).toEqual([]);
  expect(first).toMatchObject({
    line: 3,
    findings: ['host_pid_namespace', 'net_raw'],
    fromLabel: undefined,
    acceptance: { reason: 'It reads /proc of all processes.', owner: 'platform', expires: '2027-06-30' },
    until: Date.UTC(2027, 6, 1),
  });
  expect([...(first?.match.names.keys() ?? [])]).toEqual(['engine', 'container', 'image']);
  expect([...(first?.match.labels.keys() ?? [])]).toEqual(['app', 'tier']);
  expect(second).toMatchObject({
    line: 14,
    fromLabel: 'isolation-exporter.accept',
    acceptance: { reason: 'Builds ask for it.', owner: undefined, expires: undefined },
    until: Infinity,
  });
  expect([...labelsIn(parseAcceptFile(VALID))]).toEqual(['app', 'tier', 'isolation-exporter.accept']);
});

test.each(['accept: []\n', 'accept:\n', '---\naccept: []\n'])('%j accepts nothing', (text) => {
  expect(parseAcceptFile(text)).toEqual([]);
});

describe('a wrong file is one line with the place:', () => {
  test.each([
    ['', 'accept: missing: the list of entries, [] if there are none'],
    ['- accept', 'expected settings with names'],
    ['accept: { match: 1 }', 'accept: expected a list'],
    ['accepts: []', 'accepts: no such setting; there are: accept'],
    ['accept: [\n', 'line 2: invalid YAML (bad_indent)'],
    ['accept: []\naccept: []\n', 'line 2: a key appears twice'],
    ['accept: [*other]', 'invalid YAML (an alias without its anchor, or too many aliases)'],
    ['accept: [text]', 'line 1, entry 1: expected settings with names'],
    [`accept: []\n${'#'.repeat(256 * 1024)}`, 'larger than 256 KiB'],
    [`accept: [${'x,'.repeat(1001)}]`, 'accept: at most 1000 entries'],
  ])('%j', (text, message) => {
    expect(() => parseAcceptFile(text)).toThrow(new Error(message));
  });

  const place = 'line 7, entry 2: ';
  test.each([
    [{ because: 'x' }, 'because: no such setting; there are: match, findings, from_label, reason, owner, expires'],
    [{ match: undefined }, 'match: missing: name containers by engine, namespace, pod, container, image, labels'],
    [{ match: {} }, 'match: missing: name containers by engine, namespace, pod, container, image, labels'],
    [{ match: { labels: {} } }, 'match: missing: name containers by engine, namespace, pod, container, image, labels'],
    [{ match: 'web' }, 'match: expected settings with names'],
    [
      { match: { name: 'web' } },
      'match.name: no such setting; there are: engine, namespace, pod, container, image, labels',
    ],
    [{ match: { container: '' } }, 'match.container: expected a pattern'],
    [{ match: { container: [] } }, 'match.container: expected a pattern'],
    [{ match: { container: ['web', ''] } }, 'match.container: an entry is empty'],
    [{ match: { container: { a: 'b' } } }, 'match.container: expected one value'],
    [{ match: { container: [['web']] } }, 'match.container: expected one value'],
    [{ match: { container: 'x'.repeat(251) } }, 'match.container: longer than 250 characters'],
    [{ match: { container: Array(101).fill('x') } }, 'match.container: at most 100 patterns'],
    [{ match: { labels: 'app' } }, 'match.labels: expected settings with names'],
    [{ match: { labels: { 'a b': 'x' } } }, 'match.labels: "a b" is no name of a label'],
    [{ match: { labels: { app: null } } }, 'match.labels.app: expected a pattern'],
    [{ findings: undefined }, 'findings: missing: list the ids of findings'],
    [{ findings: [] }, 'findings: missing: list the ids of findings'],
    [{ findings: 'net_raw' }, 'findings: expected a list'],
    [{ findings: ['nonsense'] }, 'findings: there is no finding "nonsense"; scan --explain=list shows all'],
    [{ findings: ['net_raw', 'net_raw'] }, 'findings: net_raw appears twice'],
    [{ from_label: ['a'] }, 'from_label: expected one value'],
    [{ reason: undefined }, 'reason: missing: say why these findings are accepted'],
    [{ reason: ' ' }, 'reason: missing: say why these findings are accepted'],
    [{ reason: 'one\ntwo' }, 'reason: expected one line of text'],
    [{ reason: 'a\u001b[31mb' }, 'reason: expected one line of text'],
    [{ reason: 'x'.repeat(501) }, 'reason: longer than 500 characters'],
    [{ owner: ['me'] }, 'owner: expected one value'],
    [{ expires: '2027-02-30' }, 'expires: expected a day such as 2027-06-30, not "2027-02-30"'],
    [{ expires: '30.06.2027' }, 'expires: expected a day such as 2027-06-30, not "30.06.2027"'],
    [{ expires: '2027-06-30T12:00:00Z' }, 'expires: expected a day such as 2027-06-30, not "2027-06-30T12:00:00Z"'],
    [{ match: { container: 'first' }, reason: 'fine' }, 'the same as entry 1'],
  ])('%j', (parts, message) => {
    expect(() => parseAcceptFile(fileWith(parts))).toThrow(new Error(place + message));
  });
});

test('a name that is no text ends in one clear line', () => {
  expect(() => parseAcceptFile('? [accept]\n: x\n')).toThrow(/^expected settings whose names are text$/);
});

test('a damaged file is either a valid one, or one printable line', () => {
  const lines = VALID.split('\n');
  const piece = fc.oneof(
    fc.string({ maxLength: 6 }),
    fc.constantFrom(
      '\n',
      '  ',
      '- ',
      ': ',
      '{',
      '}',
      '[',
      ']',
      '&a ',
      '*a',
      '!!set ',
      '|',
      "'",
      '"',
      '\t',
      '\u0000',
      '~',
    ),
    fc.constantFrom(...lines),
  );
  const change = fc.record({ at: fc.nat(VALID.length), cut: fc.nat(30), piece });
  let valid = 0;
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
      let text = VALID;
      for (const { at, cut, piece } of changes) text = text.slice(0, at) + piece + text.slice(at + cut);
      try {
        const entries = parseAcceptFile(text);
        for (const { findings, acceptance, match } of entries) {
          expect(findings.length).toBeGreaterThan(0);
          expect(acceptance.reason).not.toBe('');
          expect(match.names.size + match.labels.size).toBeGreaterThan(0);
        }
        valid += 1;
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
        const { message } = error as Error;
        // oxlint-disable-next-line no-control-regex
        expect(message).toMatch(/^[^\u0000-\u001f]{5,400}$/);
        expect(message).toMatch(/^(?:line \d+|accept|invalid YAML|expected|.+: no such setting)/);
      }
    }),
    { numRuns: 1_000 },
  );
  expect(valid).toBeGreaterThan(30);
});
