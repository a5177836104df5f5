import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { host } from '../lab/host.ts';
import { describeLive } from '../lab/live.ts';
import { mutantsOf } from './mutations.ts';
import { type AlertRule, rules, ruleTests, type RuleTestFile } from './rule-files.ts';

/** Mutants that do the same as the rule, and why. */
const EQUIVALENT: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  IsolationContainerOOMKillLoop: { 'comparison at 76: > -> >=': 'there are no half kills' },
};

describeLive('rules that are broken on purpose', ['prometheus'], () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'isolation-exporter-mutants-'));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  test.concurrent.each(rules.map((rule) => [rule.alert, rule] as const))('%s', async (alert, rule) => {
    const mutants = [{ what: 'as it is', rule }, ...mutantsOf(rule)];
    // All in one run, each with what is expected of the rule under a name of its own.
    const names = mutants.map((_, at) => `Mutant${at}`);
    const folder = join(directory, alert);
    mkdirSync(folder);
    const group = { name: 'mutants', rules: mutants.map(({ rule }, at) => ({ ...rule, alert: names[at] })) };
    writeFileSync(join(folder, 'rules.yml'), stringify({ groups: [group] }));
    const files = testsOf(rule, names);
    for (const [file, content] of files)
      writeFileSync(join(folder, file), stringify(content, { aliasDuplicateObjects: false }));
    const command = `cd ${folder} && promtool test rules ${[...files.keys()].join(' ')}`;
    const { stdout, stderr } = await host.run(command, { timeoutMs: 240_000 });
    const said = stdout + stderr;

    const isNoticed = (at: number) => said.includes(`alertname: ${names[at]},`);
    const survivors = mutants.filter((_, at) => !isNoticed(at)).map(({ what }) => what);
    expect(survivors, said.slice(0, 1000)).toEqual(['as it is', ...Object.keys(EQUIVALENT[alert] ?? {})]);
  });
});

/** The files of tests with what they say of one alert, said of alerts with these names. */
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
