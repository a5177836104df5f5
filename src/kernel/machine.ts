/**
 * A line of `/proc/meminfo`, in bytes; `undefined` if it is not there:
 *
 *     MemTotal:        8129492 kB
 *     MemFree:          312008 kB
 *     SwapTotal:             0 kB
 */
export function parseMeminfo(meminfo: string, key: 'MemTotal' | 'SwapTotal'): number | undefined {
  const kilobytes = new RegExp(`^${key}: +(\\d+) kB$`, 'm').exec(meminfo)?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}

/**
 * The number of CPUs that are online, in `/proc/stat`, which has a line for each; `undefined` if there is none:
 *
 *     cpu  8129 0 1512 903427 0 0 41 0 0 0
 *     cpu0 4065 0 756 451713 0 0 20 0 0 0
 *     cpu1 4064 0 756 451714 0 0 21 0 0 0
 */
export function countOnlineCpus(stat: string): number | undefined {
  return stat.match(/^cpu\d+ /gm)?.length;
}
