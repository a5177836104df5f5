import { CRI } from '../engines/name-sources.ts';
import { defineCheck, type Remedies, type Verdict } from './check.ts';
import { answerOf, type EngineAnswer } from './engine-answer.ts';

/** What is found of the runtime that the kubelet has its containers from. */
interface CriFacts {
  /** Where it may be, as configured, and what is there; none if it is switched off. */
  readonly endpoints: readonly { readonly endpoint: string; readonly answer: EngineAnswer }[];
  readonly isDefault: boolean;
  /** Containers in pods here, and pauses. */
  readonly containers: number;
}

/** Whether containers in pods have their names. */
export const cri = defineCheck<CriFacts>({
  name: 'cri',
  async read({ cri: config, containers }) {
    const endpoints = [];
    for (const host of config?.hosts ?? []) {
      endpoints.push({ endpoint: host.text, answer: await answerOf(CRI.placeOf(host)) });
    }
    return { endpoints, isDefault: config?.isDefault ?? false, containers: containers?.inPods ?? 0 };
  },
  judge({ endpoints, isDefault, containers }): Verdict {
    const count = containers === 1 ? '1 container in a pod is' : `${containers} containers in pods are`;
    const nameless = containers === 0 ? '' : `; ${count} called by id`;
    if (endpoints.length === 0) return { status: 'ok', says: `switched off${nameless}` };
    const answering = endpoints.find(({ answer }) => answer === 'answers');
    if (answering !== undefined) return { status: 'ok', says: `answers at ${answering.endpoint}` };
    const failing = endpoints.flatMap(({ endpoint, answer }) => {
      if (answer === 'absent' || answer === 'answers') return [];
      return `${endpoint} does not answer: ${answer === 'hidden' ? 'EACCES' : answer.error}`;
    });
    const nothing = `nothing at ${endpoints.map(({ endpoint }) => endpoint).join(' or ')}`;
    const says = failing.length === 0 ? nothing : failing.join(', ');
    if (isDefault && containers === 0) {
      return { status: failing.length === 0 ? 'ok' : 'note', says: `${says}; no container in a pod is here` };
    }
    return {
      status: 'lost',
      says: `${says}${nameless}`,
      loses: 'names of pods and of their containers, images, and which of them are mere pauses',
      remedies: REMEDIES,
    };
  },
});

const REMEDIES: Remedies = {
  shell: 'run it as root, or give --cri.endpoint the socket; --cri.endpoint= to do without',
  systemd: 'a unit that may open the socket (which is as good as root), or --cri.endpoint= to do without',
  docker:
    '-v /run/containerd:/run/containerd:ro (which is as good as root on the host), or --cri.endpoint= to do without',
  kubernetes: 'the overlay cri (which is as good as root on the node), or --cri.endpoint= to do without',
};
