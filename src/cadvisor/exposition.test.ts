import { describe, expect, it } from 'vitest';
import type { Container, Labels, Names } from '../container.ts';
import { Encoder } from '../exposition/encode.ts';
import { idOf, labelsIn } from './labels.ts';
import { Presence } from './presence.ts';

const HEX = 'a'.repeat(64);

function container(path: string, names: Names = {}, pod: Partial<Labels> = {}, inode = 7): Container {
  return {
    cgroup: { path, inode, seenAt: 0, match: { engine: 'docker', id: HEX, infra: false } },
    names,
    labels: { engine: 'docker', namespace: '', pod: '', container: names.name ?? 'x', ...pod },
  } as unknown as Container;
}

const labelsOf = (style: 'docker' | 'kubelet', of: Container) => labelsIn(style).ofContainers([of]).get(of);

describe('labels', () => {
  const web = container(`/docker/${HEX}`, {
    name: 'web',
    image: 'nginx:1',
    labels: { label_com_docker_compose_project: 'shop' },
  });

  it('are those of cAdvisor beside Docker', () => {
    expect(labelsOf('docker', web)).toBe(
      `id="/docker/${HEX}",name="web",image="nginx:1",container_label_com_docker_compose_project="shop"`,
    );
  });

  it('have the id as name where no engine has named the container', () => {
    expect(labelsOf('docker', container('/x'))).toBe(`id="/x",name="${HEX}"`);
  });

  it('are those of the kubelet', () => {
    const path = `/kubepods/burstable/pod1/${HEX}`;
    const inPod = container(path, { image: 'nginx:1' }, { namespace: 'shop', pod: 'web-0', container: 'nginx' });
    const own = labelsOf('kubelet', inPod) ?? '';
    expect(own).toBe(`id="${path}",name="${HEX}",image="nginx:1",namespace="shop",pod="web-0",container="nginx"`);
    expect(labelsIn('kubelet').ofPod(inPod, own)).toBe('id="/kubepods/burstable/pod1",namespace="shop",pod="web-0"');
    expect(labelsIn('docker').ofPod(inPod, own)).toBe(own);
    expect(labelsOf('kubelet', web)).toBe(`id="/docker/${HEX}",name="${HEX}",image="nginx:1"`);
  });

  it('have a distinct id for paths that would be equal once they are cut or made printable', () => {
    expect(idOf(container(String.raw`/a\x2d"b"`))).toBe(String.raw`/a\x2d"b"`);
    expect(idOf(container('/a\u0007', {}, {}, 1))).not.toBe(idOf(container('/a\u0008', {}, {}, 2)));
    const long = `/docker/${'x'.repeat(300)}`;
    expect(idOf(container(long, {}, {}, 1))).toMatch(/^\/docker\/x{192}~1$/);
  });
});

describe('container_last_seen', () => {
  const presence = new Presence();
  const seen = (now: number, ...containers: Container[]) => {
    const encoder = new Encoder('text');
    presence.encode(labelsIn('docker').ofContainers(containers), now, encoder);
    return Buffer.concat(encoder.finish())
      .toString()
      .split('\n')
      .filter((line) => line.startsWith('container'));
  };
  const sample = (name: string, at: number) => `container_last_seen{id="/${name}",name="${name}"} ${at}`;
  const named = (name: string) => container(`/${name}`, { name });

  it('stands still when the container is gone, and ends after five minutes', () => {
    expect(seen(1000.7, named('a'), named('b'))).toEqual([sample('a', 1000), sample('b', 1000)]);
    expect(seen(1060, named('b'))).toEqual([sample('a', 1000), sample('b', 1060)]);
    expect(seen(1301, named('b'))).toEqual([sample('b', 1301)]);
  });

  it('has a container once whose name came late', () => {
    expect(seen(2000, container('/late'))).toEqual([`container_last_seen{id="/late",name="${HEX}"} 2000`]);
    expect(seen(2001, named('late'))).toEqual([sample('late', 2001)]);
  });

  it('keeps a limited number that are gone, the latest', () => {
    for (let at = 3000; at < 3100; at += 1) seen(at, ...Array.from({ length: 20 }, (_, nth) => named(`c${at}-${nth}`)));
    const kept = seen(3100, named('live'));
    expect(kept).toHaveLength(1001);
    expect(kept.at(-1)).toBe(sample('live', 3100));
    expect(kept.at(-2)).toBe(sample('c3099-19', 3099));
  });

  it('stays of a container that is gone, however many others a container makes', () => {
    const inside = (index: number): Container => {
      const { cgroup, ...others } = container(`/docker/hostile/${index}`);
      return { ...others, cgroup: { ...cgroup, match: { ...cgroup.match, territory: '/docker/hostile' } } };
    };
    seen(10_000, container('/gone'));
    for (let index = 0; index < 1_200; index += 100) {
      seen(10_001, ...Array.from({ length: 100 }, (_, nth) => inside(index + nth)));
    }
    const left = seen(10_002);
    expect(left[0]).toBe(`container_last_seen{id="/gone",name="${HEX}"} 10000`);
    expect(left).toHaveLength(1_000);
  });
});
