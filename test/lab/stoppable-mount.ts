import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { host } from './host.ts';
import { eventually, quote, succeed } from './machine.ts';

/**
 * A FUSE mount on the host that shows a directory. Its server can be stopped: every access then waits until the server
 * continues.
 */
export class StoppableMount implements AsyncDisposable {
  /** The mount point. */
  readonly path: string;
  /** The directory that the mount shows. Access to it never waits. */
  readonly source: string;
  readonly #directory: string;
  readonly #server: ChildProcess;

  private constructor(directory: string, server: ChildProcess) {
    this.#directory = directory;
    this.#server = server;
    this.path = join(directory, 'mount');
    this.source = join(directory, 'source');
  }

  /** Mounts one. Needs root, /dev/fuse and bindfs. */
  static async start(): Promise<StoppableMount> {
    const directory = mkdtempSync('/tmp/isolation-exporter-fuse-');
    for (const name of ['mount', 'source']) mkdirSync(join(directory, name));
    // Disables caches, so that each access asks the server.
    const options = 'attr_timeout=0,entry_timeout=0,negative_timeout=0,dev,suid';
    const words = ['-f', '-o', options, join(directory, 'source'), join(directory, 'mount')];
    const server = spawn('bindfs', words, { stdio: 'ignore' });
    const mount = new StoppableMount(directory, server);
    await eventually(
      'a FUSE mount',
      async () => (await host.run(`mountpoint -q ${quote(mount.path)}`)).code === 0 || undefined,
      { timeoutMs: 20_000, everyMs: 50 },
    );
    return mount;
  }

  /** Stops the server: nobody answers. */
  stop(): void {
    this.#server.kill('SIGSTOP');
  }

  /** Lets the server continue. It also answers the requests that were waiting. */
  resume(): void {
    this.#server.kill('SIGCONT');
  }

  /** Unmounts the mount from the host. Containers that have it keep it. */
  async hideFromHost(): Promise<void> {
    await succeed(host, `umount -l ${quote(this.path)}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.resume();
    // Containers may still have the mount.
    await succeed(host, `! mountpoint -q ${quote(this.path)} || umount -l ${quote(this.path)}`);
    this.#server.kill('SIGKILL');
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
