import { expect, test } from 'vitest';
import { LAB_IMAGE } from '../../lab/docker.ts';
import { describeInGuest, sharedGuest } from '../../lab/live.ts';
import { within } from '../docker-containers.ts';
import { dockerSuite } from '../docker-suite.ts';

/** The facts about real containers on cgroup v2. */
export function describeDocker(): void {
  describeInGuest('Docker on cgroup v2', ['guest', 'docker'], () => {
    const { docker, exporter } = dockerSuite(() => sharedGuest('plain'));

    // Other engines may run on the host. docker-host.live.test.ts checks the counts there.
    test('containers that live for a moment are all counted', async () => {
      const labels = { engine: 'docker' };
      const counts = async () => {
        const samples = await exporter().scrape();
        const started = samples.value('isolation_containers_started_total', labels) ?? 0;
        return { started, removed: samples.value('isolation_containers_removed_total', labels) ?? 0 };
      };
      const before = await counts();
      // One takes ten seconds in the guest.
      const count = process.env['LAB'] === 'all' ? 3 : 1;
      for (let round = 0; round < count; round += 1)
        await docker().cli('run', '--rm', '--network', 'none', LAB_IMAGE, 'true');
      const expected = before.removed + count;
      await within(docker().machine, 'all are gone', async () => (await counts()).removed >= expected);
      expect(await counts()).toEqual({ started: before.started + count, removed: expected });
    });
  });
}
