import { host } from '../lab/host.ts';
import { succeed } from '../lab/machine.ts';

/**
 * Makes the kernel count the I/O on the disk that has a file: on v1 recent kernels only do after some cgroup had a
 * throttle rule for the disk. The one that is set here is never met.
 *
 * @returns whether the file is on a disk at all
 */
export async function countDiskIo(file: string, cgroup: string): Promise<boolean> {
  // A rule is for a whole disk.
  const { stdout, code } = await host.run(
    `block=/sys/dev/block/$(stat -c %Hd:%Ld ${file}); if [ -e $block/partition ]; then block=$block/..; fi; cat $block/dev`,
  );
  if (code !== 0) return false;
  await succeed(
    host,
    `rule=/sys/fs/cgroup/blkio${cgroup}/blkio.throttle.read_bps_device
    if [ -e $rule ]; then echo "${stdout.trim()} 1000000000000" > $rule; fi`,
  );
  return true;
}
