import { describe, expect, test } from 'vitest';
import { codeOf, healthOf, lifeInInspect } from './docker-life.ts';

const answer = (state: object, more: object = {}): object => ({ Id: 'abc', RestartCount: 0, State: state, ...more });

/** As Docker 20.10 answered about a container with `--memory 16m` that ran `tail /dev/zero`. */
const OOM_KILLED = {
  Status: 'exited',
  Running: false,
  Restarting: false,
  OOMKilled: true,
  ExitCode: 137,
  FinishedAt: '2026-11-29T16:05:02.711209349Z',
};
const AT = Date.UTC(2026, 10, 29, 16, 5, 2, 711) / 1000;

describe('the end', () => {
  test('after an exit', () => {
    expect(lifeInInspect(answer(OOM_KILLED))).toEqual({ exit: { code: 137, at: AT, oomKilled: true } });
  });

  test('before a restart, while Docker says that the container runs', () => {
    const state = { ...OOM_KILLED, Running: true, Restarting: true, OOMKilled: false, ExitCode: 1 };
    expect(lifeInInspect(answer(state)).exit).toEqual({ code: 1, at: AT, oomKilled: false });
  });

  test.each([
    ['runs again, because Docker has forgotten the code', { ...OOM_KILLED, Running: true, ExitCode: 0 }],
    ['was never started', { ...OOM_KILLED, FinishedAt: '0001-01-01T00:00:00Z', ExitCode: 0 }],
    ['has no readable time', { ...OOM_KILLED, FinishedAt: 7 }],
  ])('is unknown for a container that %s', (_, state) => {
    expect(lifeInInspect(answer(state)).exit).toBeUndefined();
  });

  test('has only what could be read', () => {
    expect(lifeInInspect(answer({ ...OOM_KILLED, ExitCode: '?', OOMKilled: 'yes' }))).toEqual({ exit: { at: AT } });
  });
});

test.each<readonly [unknown, number | undefined]>([
  ['137', 137],
  [0, 0],
  ['0', 0],
  [256, undefined],
  [-1, undefined],
  [1.5, undefined],
  ['', undefined],
  [null, undefined],
])('the exit code %j is %s', (value, code) => {
  expect(codeOf(value)).toBe(code);
});

test.each(['Health', 'Healthcheck'])('a health check is %s', (member) => {
  expect(lifeInInspect(answer({ Running: true, [member]: { Status: 'unhealthy' } }))).toEqual({ health: 'unhealthy' });
});

test.each(['none', '', 'great', null, undefined, 1])('%j is no result of a health check', (value) => {
  expect(healthOf(value)).toBeUndefined();
});

test.each<readonly [policy: unknown, count: unknown, restarts: number | undefined]>([
  ['always', 3, 3],
  ['on-failure', 0, 0],
  ['no', 0, undefined],
  ['', 0, undefined],
  [undefined, 0, undefined],
  ['always', 'x', undefined],
])('with the policy %j and %j restarts: %s', (name, count, restarts) => {
  const more = { RestartCount: count, HostConfig: { RestartPolicy: { Name: name } } };
  expect(lifeInInspect(answer({ Running: true }, more)).restarts).toBe(restarts);
});

test.each([undefined, null, [], 'x', {}, { State: 3, HostConfig: [] }])('nothing is known from %j', (value) => {
  expect(lifeInInspect(value)).toEqual({});
});
