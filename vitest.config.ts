import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts'],
          // Wide: they are fast, but the machine may be busy.
          testTimeout: 30_000,
        },
      },
      {
        // The whole program on captured hosts: golden output, contract, layers, generated documentation.
        test: {
          name: 'program',
          include: ['test/*.test.ts'],
          testTimeout: 30_000,
        },
      },
      {
        // Alerting rules and routes, by Prometheus' and Alertmanager's own tools.
        test: {
          name: 'rules',
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
