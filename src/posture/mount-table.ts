import { type Mount, parseMountinfo } from '../kernel/mountinfo.ts';
import { parentOf } from '../kernel/paths.ts';

/** File systems that somebody else serves, over a network or from a process: who serves them can keep a reader waiting. */
const SERVED = /^(?:fuse|nfs|cifs|smb|9p|ceph|gluster|lustre|afs|virtiofs|orangefs|beegfs|gpfs)/;

/** The mounts of a process as it sees them. */
export class MountTable {
  readonly #byPoint: ReadonlyMap<string, Mount>;
  /** Each, also one that another is mounted over: who may mount can take that away again. */
  readonly all: readonly Mount[];

  /** From `/proc/<pid>/mountinfo`. Throws a SyntaxError if it is malformed. */
  constructor(mountinfo: string) {
    this.all = parseMountinfo(mountinfo);
    // Of several on one point it is the last that shows.
    this.#byPoint = new Map(this.all.map((mount) => [mount.mountPoint, mount]));
  }

  /** Each that no other is mounted on. */
  get shown(): readonly Mount[] {
    return [...this.#byPoint.values()];
  }

  /** What is mounted at exactly this path. */
  at(path: string): Mount | undefined {
    return this.#byPoint.get(path);
  }

  /**
   * Whether to look at a file may take for ever. Nothing is looked at there: a container could stop the exporter by it.
   */
  mayHang(path: string): boolean {
    for (let point = path; ; point = parentOf(point)) {
      const mount = this.#byPoint.get(point === '' ? '/' : point);
      if (mount !== undefined && SERVED.test(mount.type)) return true;
      if (point === '' || !point.startsWith('/')) return false;
    }
  }
}
