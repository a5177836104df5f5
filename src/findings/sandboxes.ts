import { answer } from './answer.ts';
import { type Finding, withPosture } from './finding.ts';

/** Findings about what runs a container. */
export const sandboxFindings: readonly Finding[] = [
  {
    id: 'sandbox_weakened',
    severity: 'medium',
    title: 'Sandbox with a hole in it',
    why: 'With gVisor on the network of the host, or a virtual machine without help of the processor, less is kept apart than the sandbox is there for.',
    fix: {
      docker: 'leave --network=host out of the arguments of runsc; give the virtual machine /dev/kvm',
      compose: 'the same, by the configuration of the runtime',
      kubernetes: 'the same, by the configuration of the runtime class',
    },
    references: [],
    ofSandboxes: true,
    test: withPosture(({ sandbox }) => answer(sandbox === undefined ? undefined : sandbox.weaknesses.length > 0)),
  },
];
