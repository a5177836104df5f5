import { type Collector, defineContainerCollector } from './collector.ts';

/** The labels of containers that users have chosen. Nothing by default. */
export const labels: Collector = defineContainerCollector({
  name: 'labels',
  help: 'Labels of containers that --container.labels lists, as their engines have them. Nothing without it.',
  read: ({ names }) => names.labels,
  families: [
    {
      name: 'isolation_container_labels_info',
      type: 'info',
      help:
        'Labels of a container that --container.labels lists, each as label_<name>, with characters that Prometheus does not ' +
        'allow as underscores. If several have the same name then, each gets _conflict1, _conflict2, … Values longer than 256 ' +
        'bytes are cut. In pods of Kubernetes also the labels that the pod had when it was created, by the container runtime. ' +
        'Absent for a container without any of them, and until the engine answers.',
      facts: (chosen) => chosen,
    },
  ],
});
