import { afterAll, beforeAll, expect, test } from 'vitest';
import { boardFiles, targetsOf } from '../dashboards/board-files.ts';
import { type Choice, interpolate } from '../dashboards/interpolate.ts';
import { host } from '../lab/host.ts';
import { describeLive } from '../lab/live.ts';
import { succeed } from '../lab/machine.ts';
import { SCENE, type Scene, startScene } from './board-scene.ts';
import { within } from './docker-containers.ts';

/** Queries without data on a kernel without a file, or without a key in it. */
const NEEDS: Readonly<Record<string, readonly [file: string, key?: string]>> = {
  'container: Huge pages A': ['/proc/meminfo', 'Hugetlb: *[1-9]'],
  'container: Memory usage and limits E': ['*/docker/*/memory.high'],
  'container: Memory events B': ['*/docker/*/memory.swap.events'],
  'container: Memory events C': ['*/docker/*/memory.events', 'sock_throttled'],
  // On cgroup v2 alone: beside a freezer of v1 the file has the key, and counts nothing.
  'container: Frozen B': ['/sys/fs/cgroup/docker/*/cgroup.stat.local', 'frozen_usec'],
  'container: Cgroups that limit this container B': ['*/docker/*/memory.high'],
};

/** Queries without data because root here lacks privileges for a privileged container. */
const NEEDS_PRIVILEGE = 'posture: Privileged containers A';

/** Queries without data because the containers have only just started. */
const NEEDS_TIME = 'posture: Containers that got worse A';

const boards = boardFiles();

describeLive('boards', ['docker', 'prometheus'], () => {
  let scene: Scene;
  let choice: Choice;

  beforeAll(async () => {
    const from = Date.now() / 1000;
    scene = await startScene();
    const { docker, prometheus } = scene;
    const seen = async (query: string) => ((await prometheus.value(`max(${query})`)) ?? 0) >= 1;
    await docker.cli('restart', '-t', '0', 'flaky');
    await within(host, 'a restart', () =>
      seen('changes(isolation_container_start_time_seconds{container="flaky"}[5m])'),
    );
    await within(host, 'a restart by Docker', () => seen('increase(isolation_container_restarts_total[1m])'), 60_000);
    await within(host, 'an unhealthy container', () => seen('isolation_container_health_status{status="unhealthy"}'));
    await within(host, 'the end of a container', () => seen('isolation_container_ended{container="migration"}'));
    await within(host, 'an OOM kill', () => seen('increase(isolation_container_oom_kills_total[5m])'), 60_000);
    await within(host, 'a refused fork', () => seen('increase(isolation_container_pids_limit_hits_total[5m])'), 60_000);
    choice = { from, to: Date.now() / 1000, scrapeInterval: 1, values: {} };
  });
  afterAll(() => scene?.[Symbol.asyncDispose]());

  /** The number of series that a query returns for a choice, now, or over its range as in a graph: some events are seldom. */
  const count = async (expr: string, chosen: Choice): Promise<number> => {
    const query = encodeURIComponent(interpolate(expr, chosen));
    const range = `start=${chosen.from}&end=${Date.now() / 1000}&step=1`;
    const ask = async (path: string) => ((await scene.prometheus.ask(path)) as { result: unknown[] }).result.length;
    return (await ask(`query?query=${query}`)) || ask(`query_range?query=${query}&${range}`);
  };

  const isThere = async ([file, key = '']: readonly [file: string, key?: string]): Promise<boolean> => {
    const search = `find /sys/fs/cgroup /proc/meminfo -path '${file}' -exec grep -qs '^${key}' {} ';' -print -quit`;
    return (await succeed(host, search)) !== '';
  };

  test.each(boards)('$name has data in all panels that can have some here', async ({ name, panels }) => {
    const choices = name === 'container' ? SCENE.map((container) => ({ ...choice, values: { container } })) : [choice];
    const empty: string[] = [];
    for (const panel of panels) {
      for (const { expr, refId } of targetsOf(panel)) {
        let series = 0;
        for (const chosen of choices) series += await count(expr, chosen);
        if (series === 0) empty.push(`${name}: ${panel.title} ${refId}`);
      }
    }
    const expected = [NEEDS_PRIVILEGE, NEEDS_TIME];
    for (const [query, what] of Object.entries(NEEDS)) if (!(await isThere(what))) expected.push(query);
    expect(empty.toSorted()).toEqual(expected.filter((key) => key.startsWith(`${name}: `)).toSorted());
  });
});
