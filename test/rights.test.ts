import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { composeService } from './lab/compose.ts';
import { allowedInImage } from './rights/allowed-calls.ts';

/** A package as the lock file has it. */
interface Locked {
  readonly dev?: boolean;
  readonly hasInstallScript?: boolean;
}

describe('the rights of the program', () => {
  it('are, in the image, only the system calls of its profile', () => {
    expect(composeService('isolation-exporter').options).toContainEqual(
      expect.stringMatching(/^--security-opt=seccomp=\/.*\/deploy\/docker\/seccomp\.json$/),
    );
  });

  it.each([
    [
      'read the memory of other processes, or take their files',
      ['ptrace', 'process_vm_readv', 'process_vm_writev', 'pidfd_getfd'],
    ],
    ['mount, or enter namespaces', ['mount', 'fsopen', 'move_mount', 'setns', 'unshare', 'pivot_root', 'chroot']],
    [
      'change the kernel',
      ['bpf', 'init_module', 'finit_module', 'kexec_load', 'perf_event_open', 'userfaultfd', 'keyctl'],
    ],
    ['change who it is', ['setuid', 'setresuid', 'setgid', 'setgroups', 'capset', 'personality']],
    ['create devices, or give files away', ['mknod', 'mknodat', 'chown', 'fchownat', 'open_by_handle_at']],
    ['make system calls that no filter sees', ['io_uring_setup', 'io_uring_enter', 'io_uring_register']],
  ])('do not include calls that %s', (_, calls) => {
    const allowed = allowedInImage();
    expect(calls.filter((call) => allowed.has(call))).toEqual([]);
  });
});

describe('the packages of production', () => {
  // protobufjs checks the numbers of versions. The others compile what makes SSH faster, and are not in the image.
  it('run nothing when they are installed, and nothing is missing without it', () => {
    const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
      readonly packages: Readonly<Record<string, Locked>>;
    };
    const production = Object.entries(packages).filter(([, { dev }]) => dev !== true);
    expect(production.length).toBeGreaterThan(20);
    const scripts = production.filter(([, { hasInstallScript }]) => hasInstallScript === true).map(([path]) => path);
    expect(scripts).toEqual(['cpu-features', 'protobufjs', 'ssh2'].map((name) => `node_modules/${name}`));
    expect(readFileSync('.npmrc', 'utf8')).toMatch(/^ignore-scripts=true$/m);
    const dockerfile = readFileSync('Dockerfile', 'utf8');
    expect(dockerfile.match(/^COPY .*\.npmrc \.\/\nRUN npm ci|^COPY .*\.npmrc \.\/\n#.*\nRUN npm ci/gm)?.length).toBe(
      dockerfile.match(/npm ci/g)?.length,
    );
  });
});
