import type { EnginePlace } from '../engines/engine-client.ts';
import { DOCKER, listContainersOf, PODMAN } from '../engines/name-sources.ts';
import { type Check, type Remedies, type CheckResult, defineCheck, onTheHost } from './check.ts';
import { answerOf, type EngineAnswer } from './engine-answer.ts';
import type { CheckContext } from './check-context.ts';
import { userSockets } from './user-sockets.ts';

/** Facts about an engine at one host. */
interface EngineFacts {
  readonly engine: 'docker' | 'podman';
  /** As configured; `undefined` if disabled. */
  readonly host: string | undefined;
  readonly isDefault: boolean;
  /** `undefined` if disabled. */
  readonly answer: EngineAnswer | undefined;
  /** Number of its containers on this host; `undefined` without a cgroup tree to search. */
  readonly containers: number | undefined;
  /** How many of them have names without the API. */
  readonly named: number;
  /**
   * Running containers that it lists and for which no cgroup was found, by name. A list that fails is `undefined`, as is that
   * of an engine that does not answer.
   */
  readonly unseen: readonly string[] | undefined;
  /** Unused sockets of users' own engines; `undefined` if the exporter cannot look for them. */
  readonly others: readonly string[] | undefined;
  /** Users of whom it is unknown whether they have such a socket. */
  readonly hidden: number;
}

/** Sockets of rootless engines, below `/run/user/<uid>`. */
const ROOTLESS = { docker: 'docker.sock', podman: 'podman/podman.sock' };

const KINDS = { docker: DOCKER, podman: PODMAN };

export const docker: Check<readonly EngineFacts[]> = engineCheck('docker');
export const podman: Check<readonly EngineFacts[]> = engineCheck('podman');

/** Whether the engines of a kind provide names. */
function engineCheck(engine: EngineFacts['engine']): Check<readonly EngineFacts[]> {
  return defineCheck({
    name: engine,
    async read(subject) {
      const { hosts, isDefault = false } = subject[engine] ?? {};
      const common = {
        engine,
        isDefault,
        containers: subject.containers && (subject.containers.engines[engine] ?? 0),
        named: engine === 'podman' ? await subject.namedByConmon() : 0,
        ...unusedSockets(engine, subject),
      };
      if (hosts === undefined) return [{ ...common, host: undefined, answer: undefined, unseen: undefined }];
      const facts: EngineFacts[] = [];
      for (const host of hosts) {
        const place = KINDS[engine].placeOf(host);
        const answer = await answerOf(place);
        const unseen = answer === 'answers' ? await unseenOf(place, subject) : undefined;
        // What concerns all hosts is reported once.
        const rest =
          facts.length === 0 ? common : { ...common, containers: undefined, named: 0, others: [], hidden: 0 };
        facts.push({ ...rest, host: host.text, answer, unseen });
      }
      return facts;
    },
    judge: judgeEngines,
  });
}

/** From the best to the worst. */
const STATUSES: readonly CheckResult['status'][] = ['ok', 'note', 'unknown', 'failed'];

/** The worst of several results, with the messages of all. */
function judgeEngines(facts: readonly EngineFacts[]): CheckResult {
  const results = facts.map(judgeEngine);
  const [worst] = results.toSorted((a, b) => STATUSES.indexOf(b.status) - STATUSES.indexOf(a.status));
  return { status: 'unknown', ...worst, message: results.map(({ message }) => message).join('; ') };
}

function judgeEngine({
  engine,
  host,
  isDefault,
  answer,
  containers,
  named,
  unseen,
  others,
  hidden,
}: EngineFacts): CheckResult {
  const more = tellOthers(others, hidden);
  const nameless = tellNames(containers, named);
  const areNamed = containers === undefined || named === containers;
  if (host === undefined) return { status: 'ok', message: `disabled${nameless}${more}` };
  if (answer === 'answers') {
    if (unseen === undefined)
      return { status: 'note', message: `answers at ${host}, but does not list containers${more}` };
    if (unseen.length === 0) return { status: 'ok', message: `answers at ${host}${more}` };
    return { status: 'note', message: `answers at ${host}; ${tellUnseen(unseen)}${more}` };
  }
  if (answer === 'absent') {
    const message = `nothing at ${host}${nameless}${more}`;
    if (isDefault && areNamed) return { status: 'ok', message };
    return {
      status: 'failed',
      message,
      missing: 'names, images and labels of its containers',
      remedies: toReach(engine),
    };
  }
  if (answer === 'hidden' && isDefault && areNamed) {
    const none = containers === 0 ? '; this host has none of its containers' : nameless;
    return { status: 'note', message: `no permission to look for ${host}${none}${more}` };
  }
  const error = answer === 'hidden' ? 'EACCES' : answer?.error;
  return {
    status: 'failed',
    message: `${host} does not answer: ${error}${nameless}`,
    missing: 'names, images and labels of its containers',
    remedies: isRefused(error) ? toReach(engine) : onTheHost(`find out why ${engine} does not answer there`),
  };
}

/** How many names a message has at most. */
const MOST_NAMED = 5;

/** Containers without a cgroup of their own, or of another machine. */
function tellUnseen(unseen: readonly string[]): string {
  const rest = unseen.length > MOST_NAMED ? ` and ${unseen.length - MOST_NAMED} more` : '';
  const which = `${unseen.slice(0, MOST_NAMED).join(', ')}${rest}`;
  return `it lists ${unseen.length} without a cgroup here, which the exporter cannot see: ${which}`;
}

async function unseenOf(
  place: EnginePlace,
  { containers }: Pick<CheckContext, 'containers'>,
): Promise<readonly string[] | undefined> {
  try {
    const listed = await listContainersOf(place);
    // Without a cgroup tree it is unknown which have one.
    if (containers === undefined) return [];
    return listed.filter(({ id }) => !containers.ids.has(id)).map(({ id, names }) => names.name ?? id);
  } catch {
    return undefined;
  }
}

/** Whether rights are missing, and not an answer. */
function isRefused(error: string | undefined): boolean {
  return error === 'EACCES' || error === 'EPERM';
}

/** What gives its containers names without the API. */
function tellNames(containers: number | undefined, named: number): string {
  if (containers === undefined || containers === 0) return '';
  if (named > 0) return `; conmon names ${named} of ${containers} of its containers, without images`;
  return containers === 1
    ? '; 1 of its containers is shown by id'
    : `; ${containers} of its containers are shown by id`;
}

function tellOthers(others: EngineFacts['others'], hidden: number): string {
  if (others === undefined) return '; sockets of users are not visible';
  const unused = others.length === 0 ? '' : `; unused: ${others.join(', ')}`;
  if (hidden === 0) return unused;
  return `${unused}; sockets of ${hidden === 1 ? '1 user' : `${hidden} users`} are not visible`;
}

function toReach(engine: EngineFacts['engine']): Remedies {
  const socket = engine === 'docker' ? '/var/run/docker.sock' : '/run/podman/podman.sock';
  return {
    shell: `run it as root, or set --${engine}.host to the socket; --${engine}.host= to disable`,
    systemd:
      engine === 'docker'
        ? 'SupplementaryGroups=docker (equivalent to root), or --docker.host= to disable'
        : 'systemctl start podman.socket, and let the unit open it; or --podman.host= to disable',
    docker: `-v ${socket}:${socket}:ro (equivalent to root on the host), or --${engine}.host= to disable`,
    kubernetes: `--${engine}.host= to disable, or a hostPath volume of ${socket}`,
  };
}

/** Sockets of users' own engines that are not used; `undefined` if the exporter cannot look for them. */
function unusedSockets(engine: EngineFacts['engine'], subject: CheckContext): Pick<EngineFacts, 'others' | 'hidden'> {
  const asked = subject[engine]?.hosts.map(({ text }) => text) ?? [];
  const sockets = userSockets(ROOTLESS[engine]);
  return {
    others: sockets?.found.filter((socket) => !asked.some((text) => text.endsWith(socket))),
    hidden: sockets?.hidden ?? 0,
  };
}
