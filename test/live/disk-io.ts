import { host } from '../lab/host.ts';
import { succeed } from '../lab/machine.ts';

/**
 * Makes the kernel count the I/O on the disk that holds a file. Recent kernels only count it on v1 once some cgroup had
 * a throttle rule for the disk. The rule that this sets never throttles.
 *
 * @returns whether the file is on a disk at all
 */
export async function countDiskIo(file: string, cgroup: string): Promise<boolean> {
  // A rule applies to a whole disk.
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
