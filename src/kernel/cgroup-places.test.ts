import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CgroupLayout, Hierarchy } from './cgroup-layout.ts';
import { findPlaces, ownPath, pathBelowMount } from './cgroup-places.ts';
import { parseProcessCgroups } from './process-cgroups.ts';

const ID = 'a'.repeat(64);

describe('parseProcessCgroups()', () => {
  it('finds the path of every controller, and of cgroup2', () => {
    const text = `9:cpu,cpuacct:/a\n8:pids:/docker/x\n4:memory:/system.slice/d/docker/x\n1:name=systemd:/s\n0::/u:v\n`;
    expect(Object.fromEntries(parseProcessCgroups(text))).toEqual({
      cpu: '/a',
      cpuacct: '/a',
      pids: '/docker/x',
      memory: '/system.slice/d/docker/x',
      'name=systemd': '/s',
      '': '/u:v',
    });
  });

  it('rejects what is not a line of three fields', () => expect(() => parseProcessCgroups('0:/x\n')).toThrow('0:/x'));
});

describe('pathBelowMount()', () => {
  it.each([
    ['/', '/docker/x', '/docker/x'],
    ['/', '/', ''],
    ['/', '/../x', undefined],
    ['/docker/node', '/docker/node/kubepods/x', '/kubepods/x'],
    ['/docker/node', '/docker/node', ''],
    ['/docker/node', '/docker/node2/x', undefined],
    ['/../..', '/../../system.slice/x', '/system.slice/x'],
    ['/../..', '/../x', undefined],
    ['/../..', '/../../../x', undefined],
  ])('of the mount root %s turns %s into %s', (mountRoot, path, expected) =>
    expect(pathBelowMount({ mountRoot }, path)).toBe(expected),
  );
});

describe('ownPath()', () => {
  it.each([
    ['the same path', `/jobs/${ID}`, `/jobs/${ID}`, `/jobs/${ID}`],
    ['a cgroup inside', `/jobs/${ID}/init.scope`, `/jobs/${ID}`, `/jobs/${ID}`],
    [
      'another parent',
      `/system.slice/docker.service/jobs/${ID}/x`,
      `/jobs/${ID}`,
      `/system.slice/docker.service/jobs/${ID}`,
    ],
    ['another slice', `/a.slice/docker-${ID}.scope`, `/b.slice/docker-${ID}.scope`, `/a.slice/docker-${ID}.scope`],
    ['the outermost of two with its name', `/x/docker/${ID}/docker/${ID}`, `/docker/${ID}`, `/x/docker/${ID}`],
    ['a parent with its own name', '/x/default/default', '/default/default', '/x/default/default'],
    ['no cgroup of the container', '/', `/jobs/${ID}`, undefined],
    ['a longer name', `/jobs/${ID}b`, `/jobs/${ID}`, undefined],
  ])('finds %s', (_, init, path, expected) => expect(ownPath(init, path)).toBe(expected));
});

describe('findPlaces()', () => {
  let root: string;
  let pids: Hierarchy;
  let memory: Hierarchy;
  let layout: CgroupLayout;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'isolation-places-'));
    pids = { root: join(root, 'pids'), mountRoot: '/', version: 1, controllers: ['pids'] };
    memory = { root: join(root, 'memory'), mountRoot: '/', version: 1, controllers: ['memory'] };
    layout = {
      version: 'v1',
      hierarchies: [pids, memory],
      discovery: pids,
      unified: undefined,
      hierarchyOf: (controller) => (controller === 'memory' ? memory : pids),
    };
  });
  afterEach(() => rmSync(root, { recursive: true }));

  const places = (text: string | undefined, initPath?: string): object =>
    Object.fromEntries(
      [...findPlaces(layout, { path: '/jobs/x', initPath }, () => text)].map(([{ controllers }, place]) => [
        controllers[0],
        place,
      ]),
    );

  it('has nothing to say of a container that is at one path everywhere', () =>
    expect(places('8:pids:/jobs/x\n4:memory:/jobs/x\n')).toEqual({}));

  it('follows the init into another place', () =>
    expect(places('8:pids:/jobs/x/a\n4:memory:/s/jobs/x/a\n', '/jobs/x/a')).toEqual({
      pids: { own: '/jobs/x', init: '/jobs/x/a' },
      memory: { own: '/s/jobs/x', init: '/s/jobs/x/a' },
    }));

  it('knows an init outside the container, whose limits hold all the same', () => {
    expect(places('8:pids:/jobs/x\n4:memory:/\n')).toEqual({ memory: { own: undefined, init: '' } });
    mkdirSync(join(memory.root, 'jobs/x'), { recursive: true });
    expect(places('8:pids:/jobs/x\n4:memory:/\n')).toEqual({ memory: { own: '/jobs/x', init: '' } });
  });

  it('takes a directory at the same path for the container only if there is one, when there is no init to ask', () => {
    expect(places(undefined)).toEqual({ memory: { own: undefined, init: undefined } });
    mkdirSync(join(memory.root, 'jobs/x'), { recursive: true });
    expect(places(undefined)).toEqual({});
  });

  it('does not know where a path from another cgroup namespace leads', () =>
    expect(places('8:pids:/../x\n4:memory:/../x\n')).toEqual({ memory: { own: undefined, init: undefined } }));
});
