import { textOf } from '../kernel/bytes.ts';
import { type DeviceRule, parseDevicesList } from '../kernel/devices-list.ts';
import { errnoOf } from '../kernel/errno.ts';
import type { CgroupFiles } from '../kernel/cgroup-files.ts';
import type { ProcessFiles } from '../kernel/process-files.ts';
import type { MountTable } from './mount-table.ts';
import type { DevicePosture } from './posture.ts';
import { orDenied } from './process.ts';

/**
 * The devices that every container gets: null, zero, full, random, urandom, tty, console, ptmx, the terminals, and
 * net/tun, which Docker allows without making it.
 */
const USUAL = new Set(['1:3', '1:5', '1:7', '1:8', '1:9', '5:0', '5:1', '5:2', '10:200', '136:*']);

/** File systems of their own in `/dev`, in which there may be a lot and none of it is a device that counts. */
const WITHOUT_NODES = new Set(['pts', 'shm', 'mqueue', 'hugepages']);

/** As many directories of `/dev` are looked into. */
const MOST_DIRECTORIES = 64;

type Nodes = Pick<ProcessFiles, 'nodes'>;

/** Reads what a container can do with devices. */
export function readDevices(
  cgroup: Pick<CgroupFiles, 'read'>,
  init: Nodes,
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

/**
 * The block devices that it can open. v1 tells which ones it may, and then it is no matter where their nodes are; by
 * default it can make them, too. Else they are those that have a node in its `/dev`.
 */
function blockDevices(
  init: Nodes,
  table: MountTable | undefined,
  rules: readonly DeviceRule[] | undefined,
  denied: (error: Error) => void,
): readonly string[] | undefined {
  if (rules === undefined) return orDenied(() => blockNodes(init, table), denied);
  const opening = rules.filter(({ type, access }) => type !== 'c' && /[rw]/.test(access));
  return opening.map(({ type, major, minor }) => `${type} ${major ?? '*'}:${minor ?? '*'}`);
}

/** The nodes of block devices in `/dev` and in the directories there, such as `mapper/data`. */
function blockNodes(init: Nodes, table: MountTable | undefined): readonly string[] | undefined {
  const nodesIn = (path: string): ReturnType<Nodes['nodes']> =>
    table?.mayHang(path) === false ? orElsewhere(() => init.nodes(`root${path}`)) : undefined;
  const dev = nodesIn('/dev');
  if (dev === undefined) return undefined;
  const directories = dev.directories.filter((name) => !WITHOUT_NODES.has(name));
  // No host has that many, so it would only be to hide one.
  if (directories.length > MOST_DIRECTORIES) return undefined;
  const below = directories.flatMap((name) => {
    const nodes = nodesIn(`/dev/${name}`);
    return nodes?.blockDevices.map((node) => `${name}/${node}`) ?? [];
  });
  return [...dev.blockDevices, ...below];
}

/** What was a directory may be something else by now. */
function orElsewhere<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (errnoOf(error) === 'ENOTDIR' || errnoOf(error) === 'ELOOP') return undefined;
    throw error;
  }
}
