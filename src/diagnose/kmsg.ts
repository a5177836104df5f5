import { accessSync, constants, readFileSync } from 'node:fs';
import { errnoOf, unseenAsUndefined } from '../kernel/errno.ts';
import { LONGEST_RECORD, NotKernelLog, openDevice } from '../kernel/kmsg.ts';
import { defineCheck, type Remedies, toHaveCapability } from './check.ts';

/** Whether the kernel log can be read, and if not, which access check denies it. */
export const kmsg = defineCheck({
  name: 'kernel log',
  read: ({ procfs, kmsg, own }) => ({
    path: kmsg,
    // Checks only the file mode and the device cgroup.
    access: kmsg === undefined ? undefined : refusalOf(() => accessSync(kmsg, constants.R_OK)),
    // Checks CAP_SYSLOG too.
    read: kmsg === undefined ? undefined : refusalOf(() => readOneRecord(kmsg)),
    isRestricted: switchAt(`${procfs}/sys/kernel/dmesg_restrict`),
    hasSyslog: own.effective.includes('SYSLOG'),
    uid: own.uid,
  }),
  judge({ path, access, read, isRestricted, hasSyslog, uid }) {
    if (path === undefined) return { status: 'ok', message: 'disabled: OOM kills have no victims' };
    const restricted = `kernel.dmesg_restrict is ${isRestricted === undefined ? 'unknown' : Number(isRestricted)}`;
    if (read === undefined) return { status: 'ok', message: `${path} is readable (${restricted})` };
    const failure = {
      status: 'failed',
      missing: 'victims and exact times of OOM kills',
    } as const;
    if (read === 'ENOENT') return { ...failure, message: `${path} does not exist`, remedies: TO_HAVE_DEVICE };
    if (read === OTHER)
      return { ...failure, message: `${path} is something else than the kernel log`, remedies: TO_HAVE_DEVICE };
    if (access === 'EPERM')
      return { ...failure, message: `the device cgroup denies ${path}`, remedies: TO_HAVE_DEVICE };
    if (access === 'EACCES') {
      return {
        ...failure,
        message: `the mode of ${path} denies it`,
        remedies: { ...toHaveCapability('DAC_READ_SEARCH', { uid }), systemd: 'SupplementaryGroups=adm, or User=root' },
      };
    }
    if (read === 'EPERM' && !hasSyslog) {
      return {
        ...failure,
        message: `${path} needs CAP_SYSLOG: ${restricted}`,
        remedies: toHaveCapability('SYSLOG', { uid }),
      };
    }
    return { ...failure, status: 'unknown', message: `${path} cannot be read: ${read}` };
  },
});

/** Instead of an error code: something else is at the path. */
const OTHER = 'other';

const TO_HAVE_DEVICE: Remedies = {
  shell: 'run it outside the container',
  systemd: 'PrivateDevices=no and ProtectKernelLogs=no, with DevicePolicy=closed and DeviceAllow=/dev/kmsg r',
  docker: '--device /dev/kmsg:/dev/kmsg:r',
  kubernetes:
    'a hostPath volume of type CharDevice at /dev/kmsg, and privileged: true; otherwise the device cgroup denies it',
};

/** Whether a setting of the kernel is 1; `undefined` if it cannot be seen, as with `subset=pid`. */
function switchAt(path: string): boolean | undefined {
  const text = unseenAsUndefined(() => readFileSync(path, 'utf8'));
  return text === undefined ? undefined : text.trim() === '1';
}

/** The error code of a failed attempt; `undefined` if it succeeds. */
function refusalOf(attempt: () => void): string | undefined {
  try {
    attempt();
    return undefined;
  } catch (error) {
    return error instanceof NotKernelLog ? OTHER : (errnoOf(error) ?? String(error));
  }
}

function readOneRecord(path: string): void {
  using device = openDevice(path);
  try {
    device.read(Buffer.alloc(LONGEST_RECORD));
  } catch (error) {
    // EAGAIN is the end of the log, EPIPE an overwritten record: both prove that it is readable.
    if (errnoOf(error) !== 'EAGAIN' && errnoOf(error) !== 'EPIPE') throw error;
  }
}
