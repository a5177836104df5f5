import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Docker, LAB_IMAGE, startDocker } from '../lab/docker.ts';
import { type Exporter, startExporter } from '../lab/exporter.ts';
import { host } from '../lab/host.ts';
import { describeLive } from '../lab/live.ts';
import { succeed } from '../lab/machine.ts';
import { countDiskIo } from './disk-io.ts';
import { words, within } from './docker-containers.ts';

describeLive('traffic of containers on this host', ['docker'], () => {
  let docker: Docker;
  let exporter: Exporter;
  const ids: string[] = [];

  beforeAll(async () => {
    docker = await startDocker(host);
    ids.push(
      await docker.run(...words('--name owner --network none'), LAB_IMAGE),
      await docker.run(...words('--name joined --network container:owner'), LAB_IMAGE),
      await docker.run(...words('--name exposed --network host'), LAB_IMAGE),
      await docker.run(...words('--name other --network none'), LAB_IMAGE),
    );
    exporter = await startExporter(host, { flags: [`--docker.host=unix://${docker.socket}`] });
  });
  afterAll(async () => {
    await exporter?.[Symbol.asyncDispose]();
    await docker?.remove(...ids);
    await docker?.[Symbol.asyncDispose]();
  });

  test('network traffic is exported once per namespace, for the container that created it, never for the host', async () => {
    const [owner, other] = [await docker.pidOf(ids[0] ?? ''), await docker.pidOf(ids[3] ?? '')];
    // Connects two containers with a veth pair, and sends one datagram and the packets that resolve its address.
    await succeed(
      host,
      `nsenter -t ${owner} -n ip link add eth0 type veth peer name eth1 netns ${other}
      nsenter -t ${owner} -n sh -c 'ip addr add 169.254.77.1/30 dev eth0; ip link set eth0 up'
      nsenter -t ${other} -n sh -c 'ip addr add 169.254.77.2/30 dev eth1; ip link set eth1 up'
      nsenter -t ${owner} -n bash -c 'echo hello > /dev/udp/169.254.77.2/9'`,
    );
    const name = (direction: string) => `isolation_container_network_${direction}_bytes_total`;
    await within(host, 'traffic', async () => {
      const samples = await exporter.scrape();
      return (samples.value(name('receive'), { container: 'other', interface: 'eth1' }) ?? 0) > 0;
    });
    const samples = await exporter.scrape();
    expect(samples.value(name('transmit'), { container: 'owner', interface: 'eth0' })).toBe(
      samples.value(name('receive'), { container: 'other', interface: 'eth1' }),
    );
    expect(samples.value(name('receive'), { container: 'owner', interface: 'lo' })).toBeUndefined();
    for (const container of ['joined', 'exposed'])
      expect(samples.value(name('receive'), { container })).toBeUndefined();
    expect(samples.value('isolation_container_namespace_peers', { container: 'owner', ns: 'net' })).toBe(1);
    expect(samples.value('isolation_container_namespace_peers', { container: 'joined', ns: 'net' })).toBe(1);
  });

  test('what a process of the container reads from a disk is counted for the disk by its name', async ({ skip }) => {
    const cgroup = docker.cgroupOf(ids[0] ?? '');
    const file = `${docker.directory}/to-read`;
    // Reads 1 MiB that is certainly on the disk, bypassing the cache, from a process in the container's cgroup.
    await succeed(host, `dd if=/dev/urandom of=${file} bs=64k count=16 conv=fsync status=none`);
    if (!(await countDiskIo(file, cgroup))) skip('the temporary directory is on no disk');
    await succeed(
      host,
      `for directory in /sys/fs/cgroup/blkio${cgroup} /sys/fs/cgroup${cgroup}; do
        if [ -e $directory/cgroup.procs ]; then echo $$ > $directory/cgroup.procs; break; fi
      done
      dd if=${file} of=/dev/null bs=64k iflag=direct status=none`,
    );
    const samples = await exporter.scrape();
    const read = samples.all.filter(
      (sample) =>
        sample.name === 'isolation_container_io_read_bytes_total' &&
        new Map(Object.entries(sample.labels)).get('container') === 'owner',
    );
    expect(Math.max(...read.map(({ value }) => value))).toBeGreaterThanOrEqual(1 << 20);
    const devices = read.map(({ labels }) => new Map(Object.entries(labels)).get('device') ?? '');
    for (const device of devices) await succeed(host, `grep -qw ${device} /proc/diskstats`);
    expect(samples.value('isolation_container_io_reads_total', { container: 'owner' })).toBeGreaterThan(0);
  });
});
