import { describe, expect, test } from 'vitest';
import { host } from '../lab/host.ts';
import { describeLive } from '../lab/live.ts';
import { runScenario } from '../torture/run-scenario.ts';
import { QUICK_SCENARIOS } from '../torture/scenarios.ts';

// `npm run torture:oom` runs all scenarios. The number of unattributed kills depends on the load, so this test does not
// check it.
describeLive('bursts of OOM kills in containers that live for a moment', ['containers'], () => {
  describe.each(QUICK_SCENARIOS)('$name', (scenario) => {
    test('none is counted twice, none is lost, and each is an event', async () => {
      const { kills, events, eventsFound, unattributed, doubled, lost } = await runScenario(host, scenario);
      expect(kills).toBe(scenario.containers);
      expect({ doubled, lost, events: eventsFound + unattributed }).toEqual({ doubled: 0, lost: 0, events });
    });
  });
});
