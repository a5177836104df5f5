import { beforeAll, describe, expect, test } from 'vitest';
import { describeLive } from '../lab/live.ts';
import { nodeRelease } from '../lab/node-releases.ts';
import { allowedInImage, allowedInUnit, REFUSED_IN_IMAGE, REFUSED_IN_UNIT } from '../rights/allowed-calls.ts';
import { traceProgram } from '../rights/trace.ts';

// The oldest supported release, and that of the image.
describeLive('the system calls of the program', ['containers', 'strace'], () => {
  describe.each(['own', '24.22.3'] as const)('on Node %s', (version) => {
    let calls: ReadonlySet<string>;
    beforeAll(async () => {
      calls = await traceProgram({ node: version === 'own' ? process.execPath : await nodeRelease(version) });
    });

    test('were traced: those of the daemon, of its files, watches, probes and connections', () => {
      expect([...calls]).toEqual(expect.arrayContaining(['pread64', 'inotify_add_watch', 'accept4', 'rename', 'kill']));
    });

    test('are all allowed by the profile of the image, but those that it works without', () => {
      const allowed = allowedInImage();
      expect([...calls].filter((name) => !allowed.has(name) && !REFUSED_IN_IMAGE.has(name))).toEqual([]);
    });

    test('are all allowed by the unit, but those that it works without', () => {
      const allowed = allowedInUnit();
      expect([...calls].filter((name) => !allowed.has(name) && !REFUSED_IN_UNIT.has(name))).toEqual([]);
    });
  });
});
