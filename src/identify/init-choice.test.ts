import { describe, expect, test } from 'vitest';
import { chooseInit, type Role, roleOf, type Root } from './init-choice.ts';

const root = (nspid: readonly number[], start: number, role?: Role, ppid = 50): Root => ({
  pid: nspid[0] ?? 0,
  ppid,
  nspid,
  start,
  role,
});

describe('the init of a container', () => {
  test.each<readonly [string, expected: number | undefined, roots: readonly Root[]]>([
    ['none among none', undefined, []],
    ['pid 1, not the lower pid of an exec', 900, [root([80, 9], 40), root([900, 1], 10)]],
    ['pid 1, though an exec joined in the same tick', 900, [root([80, 9], 10), root([900, 1], 10)]],
    ['pid 1 in a container of a container', 900, [root([900, 14, 1], 10), root([901, 15, 7], 5)]],
    ['with the pid namespace of the host: the oldest', 900, [root([80], 40), root([900], 10)]],
    ['of two that started together the lower pid', 5, [root([6], 10), root([5], 10)]],
    [
      'with the pid namespace of the host: not the pid 1 of a namespace that somebody in it made',
      900,
      [root([80, 1], 40), root([900], 10)],
    ],
    [
      'not one that left a container before it was started again',
      900,
      [root([80], 10, undefined, 60), root([900, 1], 40)],
    ],
    ['in the pid namespace of a pod', 900, [root([80, 31], 40), root([900, 7], 10)]],
    [
      "gVisor: the sandbox, not the file server, in the host's pid namespace",
      900,
      [root([80, 1], 9, 'helper'), root([900], 10)],
    ],
    [
      'gVisor: the sandbox, not the file server, each in its own',
      900,
      [root([80, 1], 9, 'helper'), root([900, 1], 10)],
    ],
    ['nspawn in the same cgroup', 900, [root([80], 1, 'parent'), root([900, 1], 10)]],
    [
      'a container all of whose processes pose as tools',
      900,
      [root([900, 1], 10, 'helper'), root([80, 9], 40, 'helper')],
    ],
  ])('%s', (_, expected, roots) => {
    expect(chooseInit(roots)?.pid).toBe(expected);
  });
});

describe('the role of a process', () => {
  const claimed = (cmdline: string, engine: string | undefined, nspid: readonly number[], confined = false) =>
    roleOf(cmdline, { nspid, isConfined: () => confined, engineOf: () => engine });

  test.each<readonly [cmdline: string, engine: string | undefined, Role | undefined]>([
    ['runsc-sandbox\0boot\0', 'docker', undefined],
    ['/usr/bin/systemd-nspawn\0-D\0/m1\0', 'nspawn', 'parent'],
    ['[lxc monitor] /var/lib/lxc c1\0\0\0', 'lxc', 'parent'],
    ['/usr/lib/libvirt/libvirt_lxc\0--name\0c\0', 'libvirt-lxc', 'parent'],
    ['/usr/bin/conmon\0--api-version\x001\0', 'podman', 'parent'],
    ['conmon', 'cri-o', 'parent'],
    ['/opt/kata/bin/containerd-shim-kata-v2\0-namespace\0k8s.io\0', 'kata', 'parent'],
    // A tool of another engine is an ordinary process of the container.
    ['/usr/bin/conmon\0', 'docker', undefined],
    ['/usr/bin/systemd-nspawn\0', undefined, undefined],
    ['nginx: master process\0', 'docker', undefined],
    ['/runsc-gofer\0', 'docker', undefined],
    // A kernel thread and a zombie.
    ['', 'docker', undefined],
  ])('%j of %s', (cmdline, engine, role) => {
    expect(claimed(cmdline, engine, [900])).toBe(role);
    // A process of a container with the host's pids.
    expect(claimed(cmdline, engine, [900], true)).toBeUndefined();
  });

  test.each<readonly [cmdline: string, engine: string, Role | undefined]>([
    ['conmon\0', 'podman', undefined],
    ['/usr/bin/conmon\0', 'cri-o', undefined],
    ['/usr/bin/systemd-nspawn\0', 'nspawn', undefined],
    ['[lxc monitor] /var/lib/lxc c1\0', 'lxc', undefined],
    ['containerd-shim-kata-v2\0', 'kata', undefined],
    ['runsc-gofer\0--root=/run\0gofer\0', 'docker', 'helper'],
  ])('%j of %s in its own pid namespace', (cmdline, engine, role) => {
    expect(claimed(cmdline, engine, [900, 1])).toBe(role);
  });

  test("gVisor's file server is always the first process of its pid namespace", () => {
    expect(claimed('runsc-gofer\0', 'docker', [900])).toBeUndefined();
    expect(claimed('runsc-gofer\0', 'docker', [900, 7])).toBeUndefined();
  });
});
