import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { GuestsFirst } from './test/lab/guests-first.ts';

/** By default there is one for each CPU but one, so a single one on two. Many tests wait for a process or a scrape. */
const maxWorkers = Math.max(2, availableParallelism() - 1);

export default defineConfig({
  test: {
    sequence: { sequencer: GuestsFirst },
    projects: [
      {
        test: {
          name: 'unit',
          maxWorkers,
          include: ['src/**/*.test.ts'],
          // Wide: they are fast, but the machine may be busy.
          testTimeout: 30_000,
        },
      },
      {
        // The whole program on captured hosts: golden output, contract, layers, generated documentation.
        test: {
          name: 'program',
          maxWorkers,
          include: ['test/*.test.ts'],
          testTimeout: 30_000,
        },
      },
      {
        // Alerting rules and routes, by Prometheus' and Alertmanager's own tools.
        test: {
          name: 'rules',
          maxWorkers,
          include: ['test/rules/*.rules.test.ts'],
          globalSetup: 'test/lab/tools-setup.ts',
          testTimeout: 300_000,
          hookTimeout: 120_000,
        },
      },
      {
        // The built dist/cli.js as a process of its own.
        test: {
          name: 'e2e',
          maxWorkers,
          include: ['test/e2e/**/*.e2e.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        // Real engines and a real cgroup-v2 kernel (test/lab). Last, and one suite at a time (test/lab/turn.ts), because they share
        // the machine. Only those in guests run beside the others.
        test: {
          name: 'live',
          include: ['test/live/**/*.live.test.ts'],
          globalSetup: 'test/lab/global-setup.ts',
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
          testTimeout: 300_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
});
