import { textOf } from '../kernel/bytes.ts';
import { type DeviceRule, parseDevicesList } from '../kernel/devices-list.ts';
import type { CgroupFiles } from '../kernel/files.ts';
import type { ProcessFiles } from '../kernel/process-files.ts';
import type { MountTable } from './mount-table.ts';
import type { DevicePosture } from './posture.ts';
import { orDenied } from './process.ts';

/**
 * The devices that every container gets: null, zero, full, random, urandom, tty, console, ptmx, the terminals, and
 * net/tun, which Docker allows without making it.
 */
const USUAL = new Set(['1:3', '1:5', '1:7', '1:8', '1:9', '5:0', '5:1', '5:2', '10:200', '136:*']);

/** Reads what a container can do with devices. */
export function readDevices(
  cgroup: CgroupFiles,
  init: ProcessFiles,
  table: MountTable | undefined,
  denied: (error: Error) => void,
): DevicePosture {
  const list = cgroup.read('devices', 'devices.list');
  const rules = list === undefined ? undefined : parseDevicesList(textOf(list));
  return {
    allowed: rules === undefined ? undefined : allowedBy(rules),
    blockDevices: blockDevices(init, table, rules, denied),
  };
}

function allowedBy(rules: readonly DeviceRule[]): DevicePosture['allowed'] {
  const opening = rules.filter(({ access }) => /[rw]/.test(access));
  if (opening.some(({ type, major }) => type === 'a' || (type === 'b' && major === undefined))) return 'all';
  const isUsual = ({ type, major, minor }: DeviceRule): boolean =>
    type === 'c' && USUAL.has(`${major}:${minor ?? '*'}`);
  return opening.every(isUsual) ? 'usual' : 'more';
}

/** The nodes in `/dev` of the container; where v1 lets it open no block device there is none that counts. */
function blockDevices(
  init: ProcessFiles,
  table: MountTable | undefined,
  rules: readonly DeviceRule[] | undefined,
  denied: (error: Error) => void,
): readonly string[] | undefined {
  const opens = ({ type, access }: DeviceRule): boolean => type !== 'c' && /[rw]/.test(access);
  if (rules !== undefined && !rules.some(opens)) return [];
  if (table?.mayHang('/dev') !== false) return undefined;
  return orDenied(() => init.blockDevices('root/dev'), denied);
}
