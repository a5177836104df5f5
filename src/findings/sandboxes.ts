import { answer } from './answer.ts';
import { type Finding, withPosture } from './finding.ts';

/** Findings about the sandbox that runs a container. */
export const sandboxFindings: readonly Finding[] = [
  {
    id: 'sandbox_weakened',
    severity: 'medium',
    title: 'Weakened sandbox',
    why: "A sandbox such as gVisor in the host's network, or a virtual machine without hardware virtualisation, isolates less than the sandbox is meant to.",
    fix: {
      docker: 'remove --network=host from the arguments of runsc; give the virtual machine /dev/kvm',
      compose: 'the same, in the configuration of the runtime',
      kubernetes: 'the same, in the configuration of the runtime class',
    },
    references: [],
    ofSandboxes: true,
    test: withPosture(({ sandbox }) => answer(sandbox === undefined ? undefined : sandbox.weaknesses.length > 0)),
  },
];
