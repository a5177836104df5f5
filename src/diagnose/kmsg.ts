import { accessSync, closeSync, constants, openSync, readFileSync, readSync } from 'node:fs';
import { absentAsUndefined, errnoOf } from '../kernel/errno.ts';
import { LONGEST_RECORD } from '../kernel/kmsg.ts';
import { defineCheck, type Remedies, toHaveCapability } from './check.ts';

/** Whether the kernel's log can be read, and if not, which of its guards is in the way. */
export const kmsg = defineCheck({
  name: 'kernel log',
  read: ({ procfs, kmsg, own }) => ({
    path: kmsg,
    // Asks for the file's mode and the device cgroup only.
    access: kmsg === undefined ? undefined : refusalOf(() => accessSync(kmsg, constants.R_OK)),
    // Asks for CAP_SYSLOG too.
    read: kmsg === undefined ? undefined : refusalOf(() => readOneRecord(kmsg)),
    isRestricted: absentAsUndefined(() => readFileSync(`${procfs}/sys/kernel/dmesg_restrict`, 'utf8'))?.trim() === '1',
    hasSyslog: own.effective.includes('SYSLOG'),
    uid: own.uid,
  }),
  judge({ path, access, read, isRestricted, hasSyslog, uid }) {
    if (path === undefined) return { status: 'ok', says: 'switched off: no victims of OOM kills by name' };
    const restricted = `kernel.dmesg_restrict is ${isRestricted ? 1 : 0}`;
    if (read === undefined) return { status: 'ok', says: `${path} is readable (${restricted})` };
    const lost = {
      status: 'lost',
      loses: 'the victims of OOM kills, and when exactly each was killed',
    } as const;
    if (read === 'ENOENT') return { ...lost, says: `${path} is not there`, remedies: TO_HAVE_DEVICE };
    if (access === 'EPERM') return { ...lost, says: `the device cgroup denies ${path}`, remedies: TO_HAVE_DEVICE };
    if (access === 'EACCES') {
      return {
        ...lost,
        says: `the mode of ${path} denies it`,
        remedies: { ...toHaveCapability('DAC_READ_SEARCH', { uid }), systemd: 'SupplementaryGroups=adm, or User=root' },
      };
    }
    if (read === 'EPERM' && !hasSyslog) {
      return {
        ...lost,
        says: `${path} needs CAP_SYSLOG: ${restricted}`,
        remedies: toHaveCapability('SYSLOG', { uid }),
      };
    }
    return { ...lost, status: 'unknown', says: `${path} cannot be read: ${read}` };
  },
});

const TO_HAVE_DEVICE: Remedies = {
  shell: 'run it outside of the container',
  systemd: 'PrivateDevices=no and ProtectKernelLogs=no, with DevicePolicy=closed and DeviceAllow=/dev/kmsg r',
  docker: '--device /dev/kmsg:/dev/kmsg:r',
  kubernetes:
    'a hostPath volume of type CharDevice at /dev/kmsg, and privileged: true, without which the device cgroup denies it',
};

/** Why something fails; `undefined`: it does not. */
function refusalOf(attempt: () => void): string | undefined {
  try {
    attempt();
    return undefined;
  } catch (error) {
    return errnoOf(error) ?? String(error);
  }
}

function readOneRecord(path: string): void {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    readSync(descriptor, Buffer.alloc(LONGEST_RECORD));
  } catch (error) {
    // At its end, and overtaken by the kernel: both only happen to who may read it.
    if (errnoOf(error) !== 'EAGAIN' && errnoOf(error) !== 'EPIPE') throw error;
  } finally {
    closeSync(descriptor);
  }
}
