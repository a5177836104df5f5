import { CRI } from '../engines/name-sources.ts';
import { defineCheck, type Remedies, type CheckResult } from './check.ts';
import { answerOf, type EngineAnswer } from './engine-answer.ts';

/** Facts about the kubelet's container runtime. */
interface CriFacts {
  /** The configured sockets and what answers there; empty if disabled. */
  readonly endpoints: readonly { readonly endpoint: string; readonly answer: EngineAnswer }[];
  readonly isDefault: boolean;
  /** Containers in pods on this host, pause containers included; `undefined` without a cgroup tree to search. */
  readonly containers: number | undefined;
  /** How many of them the kubelet's logs name. */
  readonly namedByLogs: number;
}

/** Whether a container runtime provides the names of pods and their containers. */
export const cri = defineCheck<CriFacts>({
  name: 'cri',
  async read({ cri: config, containers, kubeletNames }) {
    const endpoints = [];
    for (const host of config?.hosts ?? []) {
      endpoints.push({ endpoint: host.text, answer: await answerOf(CRI.placeOf(host)) });
    }
    return {
      endpoints,
      isDefault: config?.isDefault ?? false,
      containers: containers?.podContainers.length,
      namedByLogs: (await kubeletNames())?.named ?? 0,
    };
  },
  judge({ endpoints, isDefault, containers, namedByLogs }): CheckResult {
    const nameless = containers === undefined || containers === 0 ? '' : `; ${shownById(containers, namedByLogs)}`;
    if (endpoints.length === 0) return { status: 'ok', message: `disabled${nameless}` };
    const answering = endpoints.find(({ answer }) => answer === 'answers');
    if (answering !== undefined) return { status: 'ok', message: `answers at ${answering.endpoint}` };
    const failing = endpoints.flatMap(({ endpoint, answer }) => {
      if (answer === 'absent' || answer === 'answers') return [];
      return `${endpoint} does not answer: ${answer === 'hidden' ? 'EACCES' : answer.error}`;
    });
    const nothing = `nothing at ${endpoints.map(({ endpoint }) => endpoint).join(' or ')}`;
    const message = failing.length === 0 ? nothing : failing.join(', ');
    if (isDefault && nameless === '') {
      return {
        status: failing.length === 0 ? 'ok' : 'note',
        message: containers === undefined ? message : `${message}; this host has no container in a pod`,
      };
    }
    if (isDefault && namedByLogs > 0) return { status: 'note', message: `${message}${nameless}` };
    return {
      status: 'failed',
      message: `${message}${nameless}`,
      missing: 'names of pods and containers, images, and which containers are pause containers',
      remedies: REMEDIES,
    };
  },
});

function shownById(containers: number, named: number): string {
  const others = containers - named;
  const count = others === 1 ? '1 container in a pod is' : `${others} containers in pods are`;
  if (named === 0) return `${count} shown by id, pause containers included`;
  return `the kubelet's logs name ${named} of ${containers} containers in pods, without images`;
}

const REMEDIES: Remedies = {
  shell: 'run it as root, or set --cri.endpoint to the socket; --cri.endpoint= to disable',
  systemd: 'let the unit open the socket (equivalent to root), or --cri.endpoint= to disable',
  docker: '-v /run/containerd:/run/containerd:ro (equivalent to root on the host), or --cri.endpoint= to disable',
  kubernetes: 'the overlay cri (equivalent to root on the node), or --cri.endpoint= to disable',
};
