import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** By default there is one for each CPU but one, so a single one on two. Many tests wait for a process or a scrape. */
const maxWorkers = Math.max(2, availableParallelism() - 1);

export default defineConfig({
  test: {
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
        // Real engines and a real cgroup-v2 kernel (test/lab). Last and one file at a time: they share the machine,
        // and an emulated guest beside other suites would make all of them slow.
        test: {
          name: 'live',
          include: ['test/live/**/*.live.test.ts'],
          globalSetup: 'test/lab/global-setup.ts',
          fileParallelism: false,
          sequence: { groupOrder: 1 },
          testTimeout: 300_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
});
