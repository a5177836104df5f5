import type { Standard } from './standard.ts';

/** Techniques that a finding makes easier, as far as ATT&CK's own text on the technique or on its mitigations says so. */
export const MITRE_ATTACK = {
  title: 'MITRE ATT&CK for Containers',
  version: '18',
  url: 'https://attack.mitre.org/matrices/enterprise/containers/',
  controls: {
    T1609: { title: 'Container Administration Command', url: 'https://attack.mitre.org/techniques/T1609/' },
    T1610: { title: 'Deploy Container', url: 'https://attack.mitre.org/techniques/T1610/' },
    T1611: { title: 'Escape to Host', url: 'https://attack.mitre.org/techniques/T1611/' },
  },
} as const satisfies Standard;
