// What runs in emulated guests in each test run: in one file, because they are slow and run beside the suites of this machine.
import { vi } from 'vitest';
import { describeDocker } from './guests/docker.ts';
import { describeForky } from './guests/forky.ts';
import { describePosture } from './guests/posture-docker.ts';

// Time-outs inside the tests expire before these, because their messages say what was missing.
vi.setConfig({ testTimeout: 1_800_000, hookTimeout: 3_600_000 });

describeDocker();
describePosture();
describeForky();
