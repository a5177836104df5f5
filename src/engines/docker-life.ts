import { type Exit, HEALTH_STATUSES, type HealthStatus, type Life } from '../container.ts';
import { field } from './engine-client.ts';
import type { Selection } from './json-projection.ts';

/** What to read of a container's life in `GET /containers/<id>/json`, of Docker's API and of Podman's own. */
export const LIFE_SELECTION = {
  RestartCount: true,
  State: {
    Running: true,
    Restarting: true,
    ExitCode: true,
    OOMKilled: true,
    FinishedAt: true,
    Health: { Status: true },
    Healthcheck: { Status: true },
  },
} as const satisfies Selection;

/** The part of `HostConfig` that the restarts need. */
export const RESTART_POLICY_SELECTION = { RestartPolicy: { Name: true } } as const satisfies Selection;

/** The largest exit code; the engines also report -1 or 255 for "unknown". */
const MOST_CODE = 255;

/**
 * Reads the life of a container in the answer of `GET /containers/<id>/json`. Docker keeps the exit code only until it starts the
 * container again. Podman 3 calls the health `Healthcheck`:
 *
 *     {"Id":"f2a9…","RestartCount":0,"State":{"Status":"exited","Running":false,"Restarting":false,"OOMKilled":true,"ExitCode":137,
 *      "FinishedAt":"2026-11-29T16:05:02.711209349Z","Health":{"Status":"unhealthy","FailingStreak":3,…},…},
 *      "HostConfig":{"RestartPolicy":{"Name":"no","MaximumRetryCount":0},…},…}
 */
export function lifeInInspect(answer: unknown): Life {
  const state = field(answer, 'State');
  const health = healthOf(field(field(state, 'Health'), 'Status') ?? field(field(state, 'Healthcheck'), 'Status'));
  const policy = field(field(field(answer, 'HostConfig'), 'RestartPolicy'), 'Name');
  const restarts =
    typeof policy === 'string' && !['', 'no'].includes(policy) ? countOf(field(answer, 'RestartCount')) : undefined;
  // Docker says that a container runs while it waits to start it again.
  const hasEnded = field(state, 'Running') === false || field(state, 'Restarting') === true;
  const exit = hasEnded ? exitIn(state) : undefined;
  return {
    ...(health !== undefined && { health }),
    ...(restarts !== undefined && { restarts }),
    ...(exit !== undefined && { exit }),
  };
}

/** `undefined` for a container that has never run: the time of its end is the year 1. */
function exitIn(state: unknown): Exit | undefined {
  const at = secondsOf(field(state, 'FinishedAt'));
  if (at === undefined) return undefined;
  const oomKilled = field(state, 'OOMKilled');
  return exitOf({
    code: codeOf(field(state, 'ExitCode')),
    at,
    oomKilled: typeof oomKilled === 'boolean' ? oomKilled : undefined,
  });
}

/** Leaves out what is unknown. */
export function exitOf({ code, at, oomKilled }: { readonly [K in keyof Exit]: Exit[K] | undefined }): Exit {
  return {
    ...(code !== undefined && { code }),
    ...(at !== undefined && { at }),
    ...(oomKilled !== undefined && { oomKilled }),
  };
}

/** An exit code, as a number or as the text of an event's attribute. */
export function codeOf(value: unknown): number | undefined {
  const code = typeof value === 'string' && /^\d{1,3}$/.test(value) ? Number(value) : value;
  return typeof code === 'number' && Number.isInteger(code) && code >= 0 && code <= MOST_CODE ? code : undefined;
}

/** The result of a health check. Docker says `none`, and Podman an empty text, if there is no check. */
export function healthOf(value: unknown): HealthStatus | undefined {
  return HEALTH_STATUSES.find((status) => status === value);
}

function countOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

function secondsOf(value: unknown): number | undefined {
  const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isFinite(ms) && ms > 0 ? ms / 1000 : undefined;
}
