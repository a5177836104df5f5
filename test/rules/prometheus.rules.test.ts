import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { host } from '../lab/host.ts';
import { describeOnReleases } from '../lab/on-prometheus-releases.ts';
import { expectationsOf, PROMETHEUS_FOLDER, rules, ruleTests } from './rule-files.ts';

describeOnReleases('what is shipped for Prometheus', (release) => {
  const promtool = async (...words: readonly string[]) => {
    const { stdout, stderr, code } = await host.run(
      `cd ${PROMETHEUS_FOLDER} && ${release.promtool} ${words.join(' ')}`,
      { timeoutMs: 240_000 },
    );
    return { code, said: stdout + stderr };
  };

  test('is a valid configuration with valid rules', async () => {
    expect(await promtool('check config', 'prometheus.yml')).toMatchObject({ code: 0 });
    expect(await promtool('check rules --lint=all --lint-fatal', 'alerts.yml')).toMatchObject({ code: 0 });
  });

  test('goes with runbooks whose queries and commands are well formed', async () => {
    const folder = fileURLToPath(new URL('../../docs/runbooks', import.meta.url));
    const blocks = readdirSync(folder).flatMap((file) =>
      [...readFileSync(`${folder}/${file}`, 'utf8').matchAll(/^```(\w*)\n([^]*?)^```$/gm)].map(
        ([, language = '', text = '']) => ({ file, language, text }),
      ),
    );
    expect(new Set(blocks.map(({ language }) => language))).toEqual(new Set(['promql', 'sh']));
    const textsIn = (language: string) => blocks.filter((block) => block.language === language).map(({ text }) => text);
    const queries = textsIn('promql').map((expr, at) => ({ record: `runbooks:query${at}`, expr }));
    const rules = JSON.stringify({ groups: [{ name: 'runbooks', rules: queries }] });
    const checked = await host.run(`${release.promtool} check rules /dev/stdin <<'END'\n${rules}\nEND`);
    expect(checked).toMatchObject({ code: 0 });
    expect(checked.stdout).toContain(`${queries.length} rules found`);
    expect(await host.run(`bash -n <<'END'\n${textsIn('sh').join('\n')}\nEND`)).toMatchObject({ code: 0, stderr: '' });
  });

  test.concurrent.each([...ruleTests.keys()])('does what tests/%s says', async (file) => {
    const { code, said } = await promtool('test rules', `tests/${file}`);
    expect(code, said).toBe(0);
    expect(said).toContain('SUCCESS');
  });

  test.each(rules.map(({ alert }) => alert))('has tests in which %s fires, is silent and resolves', (alert) => {
    const fires = expectationsOf(alert).map(({ exp_alerts }) => exp_alerts.length > 0);
    expect([fires.includes(true), fires.includes(false)]).toEqual([true, true]);
    const resolves = [...ruleTests.values()]
      .flatMap((file) => file.tests)
      .some(({ alert_rule_test: all }) => {
        const own = all.filter(({ alertname }) => alertname === alert);
        const byTime = own.toSorted((one, other) => secondsOf(one.eval_time) - secondsOf(other.eval_time));
        return byTime.some(({ exp_alerts }, at) => exp_alerts.length < (byTime[at - 1]?.exp_alerts.length ?? 0));
      });
    expect(resolves).toBe(true);
  });
});

/** Seconds in a duration such as `1h30m`. */
function secondsOf(duration: string): number {
  const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };
  return [...duration.matchAll(/(\d+)([smh])/g)].reduce(
    (sum, [, count, unit = '']) => sum + Number(count) * (units[unit] ?? NaN),
    0,
  );
}
