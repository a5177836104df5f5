import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { blocksOf } from '../code-blocks.ts';
import { LAB_IMAGE } from '../lab/docker.ts';
import { host } from '../lab/host.ts';
import { describeLive } from '../lab/live.ts';
import { quote } from '../lab/machine.ts';
import { untilComplete, within, words } from './docker-containers.ts';
import { type Paging, startPaging } from './paging.ts';

const RUNBOOKS = new URL('../../docs/runbooks/', import.meta.url);
const runbooks = readdirSync(RUNBOOKS).map((file) => [file, readFileSync(new URL(file, RUNBOOKS), 'utf8')] as const);

/** Commands that need what this machine lacks: another engine, systemd, or the exporter and Prometheus as installed programs. */
const ELSEWHERE =
  /^(kubectl|podman|crictl|journalctl|systemctl|timedatectl|chronyc|promtool|docker logs [^|]*isolation-exporter)\b|localhost:9090|podman\.sock|\/var\/log\/containers/;

/** Commands that print nothing if there is nothing to see. */
const MAY_BE_SILENT = /^docker (update|pause)|psi=/;

/** The commands of a script, each complete. */
function commandsOf(script: string): readonly string[] {
  const commands: string[] = [];
  let open = '';
  for (const line of script.trim().split('\n')) {
    open += `${line}\n`;
    if (line.endsWith('\\') || spawnSync('bash', ['-n', '-c', open]).status !== 0) continue;
    commands.push(open.trim());
    open = '';
  }
  return commands;
}

describeLive('commands of runbooks', ['docker', 'prometheus', 'alertmanager'], () => {
  let paging: Paging;
  let variables: Readonly<Record<string, string>>;
  let isV1: boolean;
  /** PID 1, or kthreadd where even root may not look at PID 1. */
  let hostProcess: string;

  beforeAll(async () => {
    paging = await startPaging(host, { interval: '1s' });
    const { docker, exporter, alertmanager } = paging;
    const flags = '--name web --network none --memory 64m --memory-swap 64m --cpus 0.5 --pids-limit 100';
    await docker.run(...words(flags), LAB_IMAGE, 'sh', '-c', 'tail /dev/zero; sleep 1000000');
    await untilComplete(host, exporter, ['web']);
    const kills = async () =>
      (await exporter.scrape()).value('isolation_container_oom_kills_total', { container: 'web' });
    await within(host, 'an OOM kill', async () => (await kills()) === 1);
    // `docker events --until 0s` leaves out what happened in the current second of the clock.
    await sleep(1_000);
    const info = (await exporter.scrape()).labels('isolation_container_info', { container: 'web' });
    const cgroup = info?.get('cgroup')?.slice(1) ?? '';
    isV1 = (await host.run(`test -e /sys/fs/cgroup/memory/${cgroup}`)).code === 0;
    hostProcess = `/proc/${(await host.run('readlink /proc/1/ns/pid')).code === 0 ? 1 : 2}/ns`;
    variables = {
      DOCKER_HOST: `unix://${docker.socket}`,
      USER: 'root',
      alertmanager: `http://${alertmanager.address}`,
      instance: exporter.address,
      address: exporter.address,
      container: 'web',
      cgroup,
      // Any value will do for a silence.
      ...Object.fromEntries(['namespace', 'pod', 'source', 'collector', 'finding', 'ns'].map((name) => [name, 'some'])),
    };
  });
  afterAll(() => paging?.[Symbol.asyncDispose]());

  test.each(runbooks)('%s', async (_, text) => {
    const setUp = Object.entries(variables).map(([name, value]) => `export ${name}=${quote(value)}\n`);
    // Commands in a list are those that change something.
    const inline = [...text.matchAll(/`(docker [^`]*"\$container")`/g)].map(([, command = '']) => command);
    const blocks = blocksOf(text, 'sh').map(commandsOf);
    const silent: string[] = [];
    let count = 0;
    for (const commands of [...blocks, ...inline.map((command) => [command])]) {
      // What a line sets, the next ones may use.
      let before = setUp.join('');
      for (const command of commands) {
        if (ELSEWHERE.test(command) || command.includes(isV1 ? '# cgroup v2' : '# cgroup v1')) continue;
        const here = command
          .replace('/var/run/docker.sock', paging.docker.socket)
          .replaceAll('/proc/1/ns', hostProcess);
        const { code, stdout, stderr } = await host.run(`${before}${here}`);
        if (/^\w+=/.test(command)) before += `${command}\n`;
        else if ((stdout + stderr).trim() === '' && !MAY_BE_SILENT.test(command)) silent.push(command);
        // A container logs to both.
        const said = command.startsWith('docker logs') ? '' : stderr;
        expect({ command, code, said }).toEqual({ command, code: 0, said: '' });
        count += 1;
      }
    }
    await host.run(`${setUp.join('')} docker unpause web`);
    expect(silent).toEqual([]);
    expect(count).toBeGreaterThan(0);
  });
});
