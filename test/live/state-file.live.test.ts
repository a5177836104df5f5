import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeLive } from '../lab/live.ts';
import { cutEverywhere, type FaultResult, fillDisk, flipEachBit, killWriters } from '../torture/state-faults.ts';

// `npm run torture:state` kills a thousand times.
describeLive('the state file', ['containers'], () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'isolation-exporter-state-faults-'));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test.each<[string, () => FaultResult | Promise<FaultResult>]>([
    ['the process is killed while it writes', () => killWriters(directory, 25)],
    ['the file is cut off after any byte', () => cutEverywhere(directory)],
    ['any bit is flipped', () => flipEachBit(directory)],
    ['the disk is full', () => fillDisk(directory, 3)],
  ])('loses nothing that was complete, makes nothing up and logs one line if %s', async (_, cause) => {
    const { times, lost, wrong, logLines } = await cause();
    expect(times).toBeGreaterThan(2);
    expect({ lost, wrong }).toEqual({ lost: 0, wrong: 0 });
    expect(logLines).toBeLessThanOrEqual(1);
  });
});
