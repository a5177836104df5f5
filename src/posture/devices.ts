import { textOf } from '../kernel/bytes.ts';
import { type DeviceRule, parseDevicesList } from '../kernel/devices-list.ts';
import type { CgroupFiles } from '../kernel/cgroup-files.ts';
import type { ProcessFiles } from '../kernel/process-files.ts';
import type { LookUps } from '../probes/look-ups.ts';
import type { MountTable } from './mount-table.ts';
import type { DevicePosture } from './posture.ts';
import { found } from './probed.ts';

/**
 * The devices that every container gets: null, zero, full, random, urandom, tty, console, ptmx, the terminals, and net/tun, which
 * Docker allows without creating it.
 */
const USUAL = new Set(['1:3', '1:5', '1:7', '1:8', '1:9', '5:0', '5:1', '5:2', '10:200', '136:*']);

/** The facts that reading the devices of a container needs. */
interface DeviceSources {
  readonly cgroup: Pick<CgroupFiles, 'read'>;
  readonly init: Pick<ProcessFiles, 'outside'>;
  /** `undefined`: could not be read. */
  readonly table: MountTable | undefined;
  readonly lookUps: Pick<LookUps, 'ask'>;
  readonly note: (error: Error) => void;
}

/** Reads the device access of a container. */
export function readDevices(sources: DeviceSources): DevicePosture {
  const list = sources.cgroup.read('devices', 'devices.list');
  const rules = list === undefined ? undefined : parseDevicesList(textOf(list));
  return {
    allowed: rules === undefined ? undefined : allowedBy(rules),
    blockDevices: rules === undefined ? blockNodes(sources) : blockDevices(rules),
  };
}

function allowedBy(rules: readonly DeviceRule[]): DevicePosture['allowed'] {
  const opening = rules.filter(({ access }) => /[rw]/.test(access));
  if (opening.some(({ type, major }) => type === 'a' || (type === 'b' && major === undefined))) return 'all';
  const isUsual = ({ type, major, minor }: DeviceRule): boolean =>
    type === 'c' && USUAL.has(`${major}:${minor ?? '*'}`);
  return opening.every(isUsual) ? 'usual' : 'more';
}

/**
 * The block devices that the v1 rules let a container open, wherever their nodes are: by default it can create nodes itself.
 */
function blockDevices(rules: readonly DeviceRule[]): readonly string[] {
  const opening = rules.filter(({ type, access }) => type !== 'c' && /[rw]/.test(access));
  return opening.map(({ type, major, minor }) => `${type} ${major ?? '*'}:${minor ?? '*'}`);
}

/**
 * The block device nodes in `/dev` and in its directories, such as `mapper/data`; `undefined` if there is no `/dev`, if reading it
 * may hang on a server, or if it has more entries than any host's.
 */
function blockNodes({ init, table, lookUps, note }: DeviceSources): readonly string[] | undefined {
  const dev = init.outside('root/dev');
  // Without a mount at the root it is unknown what file system that is.
  if (dev === undefined || table?.at('/') === undefined || table.mayWait('/dev')) return undefined;
  const nodes = found(
    lookUps.ask({ look: 'blockDevices', path: dev.path, skip: table.waitingIn('/dev') }, dev.shownAs),
    dev,
    note,
  );
  if (nodes === undefined || nodes === 'absent') return undefined;
  // One block device is enough. A `/dev` that the process has made its own is not that of the container.
  return (nodes.complete && table.complete) || nodes.names.length > 0 ? nodes.names : undefined;
}
