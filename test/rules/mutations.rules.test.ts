import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { host } from '../lab/host.ts';
import { describeLive } from '../lab/live.ts';
import { mutantsOf } from './mutations.ts';
import { type AlertRule, rules, ruleTests, type RuleTestFile } from './rule-files.ts';

const BOTH = 'the other operand has the same window';
const PRESENCE = 'only whether there is a sample counts, and the first selector has a window too';
const ONE = 'an acceptance is 1, or has no series';
const INFO = 'facts are 1, or have no series';
const SEEN = 'a kill that was scraped before is left out anyway';
const LATER = 'a later kill is young, and the first part has it';
const NOTHING = 'it is multiplied by 0: only whether there is a sample counts';

/** Mutants that are equivalent to the rule, and why. */
const EQUIVALENT: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  IsolationContainerMemoryLimitMissing: { 'function at 124: last_over_time -> avg_over_time': ONE },
  IsolationContainerCPULimitMissing: { 'function at 121: last_over_time -> avg_over_time': ONE },
  IsolationContainerPidsLimitMissing: { 'function at 122: last_over_time -> avg_over_time': ONE },
  IsolationContainerPrivileged: { 'function at 120: last_over_time -> avg_over_time': ONE },
  IsolationContainerMemoryNearLimit: {
    'window at 92: 5m -> 600s': BOTH,
    'window at 187: 5m -> 600s': BOTH,
    'window at 320: 5m -> 600s': BOTH,
    'window at 419: 5m -> 600s': BOTH,
    'window at 546: 5m -> 600s': BOTH,
    'window at 664: 5m -> 600s': BOTH,
    'function at 103: last_over_time -> avg_over_time': 'limits hardly change',
    'function at 331: last_over_time -> avg_over_time': 'limits hardly change',
    'function at 557: last_over_time -> avg_over_time': 'limits hardly change',
  },
  IsolationContainerCPUThrottlingHigh: {
    'comparison at 179: > -> >=': 'releases of Prometheus round differently at 300',
    'comparison at 498: > -> >=': 'releases of Prometheus round differently at 300',
    'comparison at 838: > -> >=': 'releases of Prometheus round differently at 300',
  },
  IsolationContainerPidsLimitHit: {
    'comparison at 659: > -> >=': 'no evaluation meets a second exactly',
    'window at 283: 5m -> 600s': BOTH,
    'window at 418: 5m -> 600s': BOTH,
    'window at 647: 5m -> 600s': BOTH,
    'function at 200: last_over_time -> avg_over_time': 'both are above 0, or neither is',
    'function at 338: last_over_time -> avg_over_time': 'a container has one start',
  },
  IsolationContainerUnhealthy: {
    'function at 0: last_over_time -> avg_over_time': 'a result is 1, or has no series',
    'without status="unhealthy"': 'another result is in the other operand, and then seen for less time than the for',
  },
  IsolationContainerNotRunning: {
    'window at 605: 5m -> 150s': 'a gap in which the other operands still have samples is shorter than the for',
    'window at 605: 5m -> 600s': 'the last sample is the same',
    'function at 90: last_over_time -> avg_over_time': 'only whether there is a sample counts',
    'function at 181: last_over_time -> avg_over_time': 'only whether there is a sample counts',
    'function at 333: last_over_time -> avg_over_time': 'only whether there is a sample counts',
    'function at 544: last_over_time -> avg_over_time':
      'the engine has been down for as long as the container is unknown',
  },
  IsolationContainerHostNamespace: {
    'window at 208: 5m -> 150s': PRESENCE,
    'window at 208: 5m -> 600s': PRESENCE,
    'window at 312: 5m -> 150s': PRESENCE,
    'window at 312: 5m -> 600s': PRESENCE,
    'function at 123: last_over_time -> avg_over_time': PRESENCE,
    'function at 237: last_over_time -> avg_over_time': PRESENCE,
    'function at 372: last_over_time -> avg_over_time': ONE,
  },
  IsolationContainerProcessEscaped: {
    'number at 102: 1 -> 1.4': 'samples are whole',
    'function at 286: last_over_time -> avg_over_time': ONE,
  },
  IsolationContainerDrifted: { 'window at 133: 1h -> 7200s': BOTH, 'window at 352: 1h -> 7200s': BOTH },
  IsolationContainerCriticalFinding: {
    'window at 258: 5m -> 150s': PRESENCE,
    'window at 258: 5m -> 600s': PRESENCE,
    'window at 658: 5m -> 150s': PRESENCE,
    'window at 658: 5m -> 600s': PRESENCE,
    'window at 777: 5m -> 150s': PRESENCE,
    'window at 777: 5m -> 600s': PRESENCE,
    'function at 169: last_over_time -> avg_over_time': PRESENCE,
    'function at 559: last_over_time -> avg_over_time': PRESENCE,
    'function at 702: last_over_time -> avg_over_time': PRESENCE,
    'function at 791: last_over_time -> avg_over_time': ONE,
  },
  IsolationExporterScrapesFailing: { 'comparison at 55: < -> <=': 'releases of Prometheus count windows differently' },
  IsolationExporterClockSkew: {
    'window at 215: 30s -> 15s': 'a finer step finds the same sample',
    'window at 215: 30s -> 60s': 'as does a coarser one',
  },
  IsolationContainerOOMKillLoop: { 'comparison at 77: > -> >=': 'there are no half events' },
  IsolationContainerOOMKilled: {
    'window at 105: 15m -> 1800s': 'older kills are over the limit',
    'window at 463: 15m -> 1800s': 'the last sample is the same',
    'window at 467: 30s -> 15s': 'a finer step finds the same sample',
    'window at 467: 30s -> 60s': 'as does a coarser one',
    'window at 802: 11m -> 1320s': 'the last sample is the same',
    'window at 989: 11m -> 1320s': BOTH,
    'window at 1348: 11m -> 1320s': SEEN,
    'window at 1352: 30s -> 15s': 'a finer step finds the same sample',
    'window at 1352: 30s -> 60s': 'as does a coarser one',
    'window at 1509: 15m -> 1800s': 'the kill is younger',
    'window at 1666: 11m -> 1320s': BOTH,
    'function at 247: last_over_time -> avg_over_time': 'the difference hardly changes',
    'function at 897: max_over_time -> min_over_time': LATER,
    'function at 1574: max_over_time -> min_over_time': LATER,
  },
  IsolationHostOOMKill: {
    'window at 393: 5m -> 600s': BOTH,
    'window at 519: 10m -> 1200s': BOTH,
    'window at 668: 5m -> 600s': BOTH,
    'window at 777: 1d -> 172800s': BOTH,
    'function at 321: last_over_time -> avg_over_time': 'above 0 both or neither',
    'function at 436: last_over_time -> avg_over_time': NOTHING,
    'function at 607: last_over_time -> avg_over_time': INFO,
    'function at 716: last_over_time -> avg_over_time': INFO,
    'operator at 402: - -> +': NOTHING,
  },
  IsolationOOMKillUnattributed: {
    'window at 90: 5m -> 600s': BOTH,
    'window at 454: 5m -> 600s': BOTH,
    'window at 805: 5m -> 600s': BOTH,
    'window at 939: 10m -> 1200s': BOTH,
    'window at 1088: 5m -> 600s': BOTH,
    'window at 1197: 1d -> 172800s': BOTH,
    'function at 382: last_over_time -> avg_over_time': 'above 0 both or neither',
    'function at 725: last_over_time -> avg_over_time': 'above 0 both or neither',
    'function at 848: last_over_time -> avg_over_time': NOTHING,
    'function at 1027: last_over_time -> avg_over_time': INFO,
    'function at 1136: last_over_time -> avg_over_time': INFO,
    'operator at 814: - -> +': NOTHING,
  },
  IsolationOOMKillFoundAfterGap: {
    'window at 103: 5m -> 600s': BOTH,
    'window at 472: 5m -> 600s': BOTH,
    'window at 475: 30s -> 15s': 'a finer step finds the same sample',
    'window at 475: 30s -> 60s': 'as does a coarser one',
    'window at 961: 5m -> 600s': BOTH,
    'window at 1322: 11m -> 1320s': SEEN,
    'window at 1326: 30s -> 15s': 'a finer step finds the same sample',
    'window at 1326: 30s -> 60s': 'as does a coarser one',
    'function at 10: last_over_time -> avg_over_time': 'a time changes with a kill only',
    'function at 248: last_over_time -> avg_over_time': 'the difference hardly changes',
    'function at 523: last_over_time -> avg_over_time': 'a time changes with a kill only',
    'function at 868: last_over_time -> avg_over_time': 'a time changes with a kill only',
  },
};

/** The rules on OOM kills have some 60 mutants, each evaluated a thousand times, beside those of four others. */
const LONGEST_MS = 600_000;

describeLive('rules that are broken on purpose', ['prometheus'], () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'isolation-exporter-mutants-'));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  test.concurrent.each(rules.map((rule) => [rule.alert, rule] as const))(
    '%s',
    async (alert, rule) => {
      const mutants = [{ what: 'as it is', rule }, ...mutantsOf(rule)];
      // All mutants in one run, each under its own name and with the expectations for the rule.
      const names = mutants.map((_, at) => `Mutant${at}`);
      const folder = join(directory, alert);
      mkdirSync(folder);
      const group = { name: 'mutants', rules: mutants.map(({ rule }, at) => ({ ...rule, alert: names[at] })) };
      writeFileSync(join(folder, 'rules.yml'), stringify({ groups: [group] }));
      const files = testsOf(rule, names);
      for (const [file, content] of files)
        writeFileSync(join(folder, file), stringify(content, { aliasDuplicateObjects: false }));
      const command = `cd ${folder} && promtool test rules ${[...files.keys()].join(' ')}`;
      const { stdout, stderr } = await host.run(command, { timeoutMs: LONGEST_MS });
      const said = stdout + stderr;

      const isNoticed = (at: number) => said.includes(`alertname: ${names[at]},`);
      const survivors = mutants.filter((_, at) => !isNoticed(at)).map(({ what }) => what);
      expect(survivors, said.slice(0, 1000)).toEqual(['as it is', ...Object.keys(EQUIVALENT[alert] ?? {})]);
    },
    LONGEST_MS,
  );
});

/** The test files, with the expectations for one alert copied to alerts with these names. */
function testsOf({ alert }: AlertRule, names: readonly string[]): ReadonlyMap<string, RuleTestFile> {
  const files = [...ruleTests].map(([name, file]) => {
    const tests = file.tests.map((test) => {
      const about = test.alert_rule_test.filter(({ alertname }) => alertname === alert);
      return { ...test, alert_rule_test: names.flatMap((alertname) => about.map((one) => ({ ...one, alertname }))) };
    });
    const told = tests.filter((test) => test.alert_rule_test.length > 0);
    return [name, { ...file, rule_files: ['rules.yml'], tests: told }] as const;
  });
  return new Map(files.filter(([, { tests }]) => tests.length > 0));
}
