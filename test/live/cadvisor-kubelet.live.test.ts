import { afterAll, beforeAll, expect, test } from 'vitest';
import { CriNode, type Pod } from '../lab/cri.ts';
import { type Exporter, samplesOf, startExporter } from '../lab/exporter.ts';
import { host } from '../lab/host.ts';
import { describeLive } from '../lab/live.ts';
import { succeed } from '../lab/machine.ts';
import { type Served, serve } from '../lab/served.ts';
import { KUBELET_QUERIES, untilAllFind } from './cadvisor-queries.ts';
import { type Prometheus, startConfiguredPrometheus } from './prometheus.ts';

const PATH = '/metrics/cadvisor';

/** What kube-state-metrics says about the pod. */
const POD_INFO = `# HELP kube_pod_info Information about a pod.
# TYPE kube_pod_info gauge
kube_pod_info{namespace="shop",pod="web-7d4b9c",node="node-1"} 1
`;

/** The package of Docker includes containerd. */
describeLive("the kubelet's labels for pods of a containerd", ['docker', 'prometheus'], () => {
  let node: CriNode;
  let exporter: Exporter;
  let state: Served;
  let prometheus: Prometheus;
  let web: Pod;

  beforeAll(async () => {
    node = await CriNode.start();
    web = await node.run('web-7d4b9c', 'shop', [
      { name: 'nginx', command: ['/bin/sh', '-c', 'while :; do :; done'], memory: 67_108_864 },
    ]);
    const id = web.containers['nginx'] ?? '';
    // CRI's API of the lab sets no quota.
    await succeed(
      host,
      `at=$(ls -d /sys/fs/cgroup/cpu/kubepods/burstable/pod${web.uid}/${id} 2>/dev/null || ls -d /sys/fs/cgroup/kubepods/burstable/pod${web.uid}/${id})
      if [ -e $at/cpu.max ]; then echo "30000 100000" > $at/cpu.max; else echo 30000 > $at/cpu.cfs_quota_us; fi`,
    );
    exporter = await startExporter(host, {
      flags: [
        '--docker.host=',
        `--cri.endpoint=unix://${node.socket}`,
        `--web.cadvisor-path=${PATH}`,
        '--web.cadvisor-labels=kubelet',
      ],
    });
    state = await serve(() => POD_INFO);
    const config = {
      global: { scrape_interval: '2s', scrape_timeout: '2s' },
      scrape_configs: [
        {
          job_name: 'kubelet',
          metrics_path: PATH,
          static_configs: [{ targets: [exporter.address] }],
          relabel_configs: [{ source_labels: ['__metrics_path__'], target_label: 'metrics_path' }],
        },
        { job_name: 'kube-state-metrics', honor_labels: true, static_configs: [{ targets: [state.address] }] },
      ],
    };
    prometheus = await startConfiguredPrometheus(host, { 'prometheus.yml': JSON.stringify(config) });
  });
  afterAll(async () => {
    await prometheus?.[Symbol.asyncDispose]();
    await state?.[Symbol.asyncDispose]();
    await exporter?.[Symbol.asyncDispose]();
    await node?.[Symbol.asyncDispose]();
  });

  test('are on every series of a container', async () => {
    const text = `${await succeed(host, `curl -sS --fail -m 20 http://${exporter.address}${PATH}`)}\n`;
    const of = samplesOf(text).labels('container_memory_working_set_bytes', { container: 'nginx' });
    const id = web.containers['nginx'] ?? '';
    expect(Object.fromEntries(of ?? [])).toEqual({
      id: `/kubepods/burstable/pod${web.uid}/${id}`,
      name: id,
      image: 'localhost/lab:1',
      namespace: 'shop',
      pod: 'web-7d4b9c',
      container: 'nginx',
    });
  });

  test('make each query of kubernetes-mixin find something', async () => {
    await untilAllFind(prometheus, KUBELET_QUERIES);
  });
});
