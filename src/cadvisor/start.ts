import { defineContainerView, ours } from './view.ts';

/** When containers began. */
export const start = defineContainerView({
  name: 'info',
  read: ({ init, cgroupUsedSince }) => ({ startTime: init?.startTime, usedSince: cgroupUsedSince }),
  families: [
    {
      name: 'container_start_time_seconds',
      type: 'gauge',
      help: 'Start of the container, in seconds since the Unix epoch.',
      value: ({ startTime }) => wholeSeconds(startTime),
      ours: ours('start_time_seconds'),
      differs: 'Of its first process, not of the cgroup directory.',
    },
    {
      name: 'container_creation_time_seconds',
      type: 'gauge',
      help: 'When its cgroup came into use, in seconds since the Unix epoch.',
      value: ({ usedSince }) => wholeSeconds(usedSince),
      ours: [],
      differs: 'The first start in the cgroup that the exporter saw, not the time of the directory.',
    },
  ],
});

function wholeSeconds(time: number | undefined): number | undefined {
  return time === undefined ? undefined : Math.floor(time);
}
