import { existsSync, readdirSync } from 'node:fs';
import { DOCKER, PODMAN } from '../engines/name-sources.ts';
import { absentAsUndefined, isDenied } from '../kernel/errno.ts';
import { type Check, type Remedies, type Verdict, defineCheck } from './check.ts';
import { answerOf, type EngineAnswer } from './engine-answer.ts';
import type { Subject } from './subject.ts';

/** How an engine was found. */
interface EngineFacts {
  readonly engine: 'docker' | 'podman';
  /** As configured; `undefined`: switched off. */
  readonly host: string | undefined;
  readonly isDefault: boolean;
  /** `undefined` if it is switched off. */
  readonly answer: EngineAnswer | undefined;
  /** Its containers here. */
  readonly containers: number;
  /** Sockets of the same engine that users have, and that nobody asks; `undefined`: they are kept from it. */
  readonly others: readonly string[] | undefined;
}

/** Where a user's own engine listens, below `/run/user/<uid>`. */
const ROOTLESS = { docker: 'docker.sock', podman: 'podman/podman.sock' };

const KINDS = { docker: DOCKER, podman: PODMAN };

export const docker: Check<EngineFacts> = engineCheck('docker');
export const podman: Check<EngineFacts> = engineCheck('podman');

/** Whether an engine gives names. */
function engineCheck(engine: EngineFacts['engine']): Check<EngineFacts> {
  return defineCheck({
    name: engine,
    async read(subject) {
      const config = subject[engine];
      const host = config?.hosts[0];
      return {
        engine,
        host: host?.text,
        isDefault: config?.isDefault ?? false,
        answer: host === undefined ? undefined : await answerOf(KINDS[engine].placeOf(host)),
        containers: subject.containers?.engines[engine] ?? 0,
        others: rootlessSockets(engine, subject),
      };
    },
    judge: judgeEngine,
  });
}

function judgeEngine({ engine, host, isDefault, answer, containers, others }: EngineFacts): Verdict {
  const more = tellOthers(others);
  const count = containers === 1 ? '1 container of it is' : `${containers} containers of it are`;
  const nameless = containers === 0 ? '' : `; ${count} called by id`;
  if (host === undefined) return { status: 'ok', says: `switched off${nameless}${more}` };
  if (answer === 'answers') return { status: 'ok', says: `answers at ${host}${more}` };
  if (answer === 'absent') {
    const says = `nothing at ${host}${nameless}${more}`;
    if (isDefault && containers === 0) return { status: 'ok', says };
    return { status: 'lost', says, loses: 'names, images and labels of its containers', remedies: toReach(engine) };
  }
  if (answer === 'hidden' && isDefault && containers === 0) {
    return { status: 'note', says: `may not look whether there is ${host}; no container of it is here${more}` };
  }
  const error = answer === 'hidden' ? 'EACCES' : answer?.error;
  return {
    status: 'lost',
    says: `${host} does not answer: ${error}${nameless}`,
    loses: 'names, images and labels of its containers',
    remedies: toReach(engine),
  };
}

function tellOthers(others: EngineFacts['others']): string {
  if (others === undefined) return '; sockets of users cannot be seen';
  return others.length === 0 ? '' : `; not asked: ${others.join(', ')}`;
}

function toReach(engine: EngineFacts['engine']): Remedies {
  const socket = engine === 'docker' ? '/var/run/docker.sock' : '/run/podman/podman.sock';
  return {
    shell: `run it as root, or give --${engine}.host the socket; --${engine}.host= to do without`,
    systemd:
      engine === 'docker'
        ? 'SupplementaryGroups=docker (which is as good as root), or --docker.host= to do without'
        : 'systemctl start podman.socket, and a unit that may open it; or --podman.host= to do without',
    docker: `-v ${socket}:${socket}:ro (which is as good as root on the host), or --${engine}.host= to do without`,
    kubernetes: `--${engine}.host= to do without; else a hostPath volume of ${socket}`,
  };
}

function rootlessSockets(engine: EngineFacts['engine'], subject: Subject): string[] | undefined {
  const asked = subject[engine]?.hosts[0]?.text ?? '';
  const users = usersAtWork();
  if (users === undefined) return undefined;
  const sockets = users.map((uid) => `/run/user/${uid}/${ROOTLESS[engine]}`);
  return sockets.filter((socket) => existsSync(socket) && !asked.endsWith(socket));
}

/** The users that have a directory in `/run/user`; a unit with `ProtectHome` may not look there. */
function usersAtWork(): string[] | undefined {
  try {
    return absentAsUndefined(() => readdirSync('/run/user')) ?? [];
  } catch (error) {
    if (error instanceof Error && isDenied(error)) return undefined;
    throw error;
  }
}
