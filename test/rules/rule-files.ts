import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

/** An alerting rule in the file. */
export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface RuleGroup {
  readonly name: string;
  readonly rules: readonly AlertRule[];
}

/** A file for `promtool test rules`. */
export interface RuleTestFile {
  readonly rule_files: readonly string[];
  readonly evaluation_interval: string;
  readonly tests: readonly RuleTest[];
}

interface RuleTest {
  readonly name: string;
  readonly interval: string;
  readonly input_series: readonly { readonly series: string; readonly values: string }[];
  readonly alert_rule_test: readonly Expectation[];
}

/** The expected state of an alert at one time. */
export interface Expectation {
  readonly eval_time: string;
  readonly alertname: string;
  readonly exp_alerts: readonly { readonly exp_labels: Readonly<Record<string, string>> }[];
}

/** The directory of the files for Prometheus. */
export const PROMETHEUS_FOLDER = fileURLToPath(new URL('../../deploy/prometheus/', import.meta.url));

/** The shipped groups of rules. */
export const groups: readonly RuleGroup[] = (
  parse(readFileSync(`${PROMETHEUS_FOLDER}alerts.yml`, 'utf8')) as { groups: RuleGroup[] }
).groups;

/** The shipped alerting rules. */
export const rules: readonly AlertRule[] = groups.flatMap((group) => group.rules);

/** The shipped tests of the rules, by file name. */
export const ruleTests: ReadonlyMap<string, RuleTestFile> = new Map(
  readdirSync(`${PROMETHEUS_FOLDER}tests`).map((file) => [
    file,
    parse(readFileSync(`${PROMETHEUS_FOLDER}tests/${file}`, 'utf8')) as RuleTestFile,
  ]),
);

/** All expectations for an alert, in all tests. */
export function expectationsOf(alert: string): readonly Expectation[] {
  const tests = [...ruleTests.values()].flatMap((file) => file.tests);
  return tests.flatMap((test) => test.alert_rule_test.filter(({ alertname }) => alertname === alert));
}
