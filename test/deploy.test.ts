import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { exportedLabels, MOST_LABELS, parseLabelNames } from '../src/config/container-labels.ts';
import { composeService, composeServices } from './lab/compose.ts';

const textOf = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
const { version } = JSON.parse(textOf('package.json')) as { readonly version: string };
const exporter = composeService('isolation-exporter');

describe('the image', () => {
  it('has this version everywhere', () => {
    expect(/image\.version="(.+)"/.exec(textOf('Dockerfile'))?.[1]).toBe(version);
    expect(exporter.image).toBe(`isolation-exporter:${version}`);
    for (const path of ['Dockerfile', 'docs/deploy.md']) {
      const named = [...textOf(path).matchAll(/isolation-exporter:(\d[\w.-]*)/g)].map(([, tag]) => tag);
      expect(named, path).not.toEqual([]);
      expect([...new Set(named)], path).toEqual([version]);
    }
  });

  it('has the same options in docs/deploy.md and in the compose file', () => {
    const command = /docker run (.*?)\n```/s.exec(textOf('docs/deploy.md'))?.[1]?.replaceAll(/\s*\\\n\s*/g, ' ') ?? '';
    const said = command
      .split(/(?:^| )(?=--)/)
      .filter((option) => !/^--(?:detach|name|publish)\b/.test(option))
      .map((option) => option.replace(/(?<=DOCKER_HOST=)$/, 'tcp://docker-socket-proxy:2375'));
    // On the command line the values `=true` are omitted.
    const inFile = exporter.options
      .filter((option) => !option.startsWith('--memory='))
      .map((option) => option.replace('=', ' ').replace(/[ :]true$/, ''))
      .map((option) => option.replace(/(?<=seccomp=)\S*\/(?=deploy\/)/, ''));
    expect(said.filter((option) => option !== '').toSorted()).toEqual(inFile.toSorted());
    expect(exporter.command).toEqual([]);
  });
});

describe('the compose file', () => {
  const services = Object.entries(composeServices());

  it.each(services)('limits the memory of %s', (_, { mem_limit }) => {
    // Otherwise an alert about the stack itself would page.
    expect(mem_limit).toMatch(/^\d+[mg]$/);
  });

  it.each(services)('takes all capabilities from %s', (_, { cap_drop, security_opt }) => {
    expect(cap_drop).toEqual(['ALL']);
    expect(security_opt).toContain('no-new-privileges:true');
  });

  it.each(services)('checks the health of %s', (name, { healthcheck }) => {
    // The image of the exporter has one.
    const dockerfile = /^HEALTHCHECK .*/m.test(textOf('Dockerfile'));
    expect(name === 'isolation-exporter' ? dockerfile : healthcheck).toBeTruthy();
    // No image needs a shell for it.
    if (healthcheck !== undefined)
      expect(healthcheck).toMatchObject({ test: expect.arrayContaining(['CMD']) as unknown });
  });

  it.each(services)('exposes %s on this host only', (_, { ports = [] }) => {
    for (const port of ports as string[]) expect(port).toMatch(/^127\.0\.0\.1:/);
  });
});

describe('the instructions in docs/deploy.md', () => {
  const commandsOf = (name: string) =>
    new RegExp(`<!-- ${name} -->\\s*\`\`\`sh\\n([^]*?)\`\`\``).exec(textOf('docs/deploy.md'))?.[1] ?? '';
  const targets = [...commandsOf('install').matchAll(/^install .*?(\/\S+)$/gm)].map(([, path = '']) => path);

  it('remove everything that they install', () => {
    expect(targets).toHaveLength(4);
    for (const path of targets) expect(commandsOf('remove').split(/\s/)).toContain(path);
  });

  it('replace the program in an upgrade, and keep the options', () => {
    const upgrade = commandsOf('upgrade');
    const copy = /^cp -r .*$/m.exec(commandsOf('install'))?.[0] ?? 'no copy';
    // No old modules remain.
    expect(upgrade).toMatch(new RegExp(`^rm -r /usr/local/lib/isolation-exporter/\\*\n${copy}$`, 'm'));
    expect(upgrade).toContain('/etc/systemd/system/isolation-exporter.service');
    expect(upgrade).not.toContain('/etc/default');
  });
});

describe('the drop-in for a rootless engine', () => {
  it("waits for the user's service manager", () => {
    const text = textOf('deploy/systemd/drop-ins/rootless.conf');
    const uids = new Set([...text.matchAll(/\/run\/user\/(\d+)/g)].map(([, uid]) => uid));
    expect(text).toMatch(/^After=.*\bsystemd-logind\.service\b/m);
    const after = [...text.matchAll(/\buser@(\d+)\.service\b/g)].map(([, uid]) => uid);
    expect(after).toEqual([...uids]);
  });
});

describe('the memory limit', () => {
  const limits = {
    systemd: /^MemoryMax=(\d+)M$/m.exec(textOf('deploy/systemd/isolation-exporter.service'))?.[1],
    compose: /^--memory=(\d+)m$/m.exec(exporter.options.join('\n'))?.[1],
    kubernetes: /limits:\n *memory: (\d+)Mi$/m.exec(textOf('deploy/kubernetes/base/daemonset.yaml'))?.[1],
  };

  it.each(Object.entries(limits))('in %s has twice what 1,000 containers need', (_, megabytes) => {
    const own = 100e6;
    // 24 files per container stay open. For each, the kernel keeps a page buffer, an inode and more: 5.4 kB, measured in a memory
    // cgroup on Linux 6.18.
    const kernel = 1000 * 24 * 5.4e3;
    expect(Number(megabytes) * 2 ** 20).toBeGreaterThan(2 * (own + kernel));
  });
});

describe('the scrape limits', () => {
  interface Limits {
    readonly sample_limit: number;
    readonly body_size_limit: string;
    readonly label_limit: number;
    readonly label_name_length_limit: number;
  }
  const files = [
    'prometheus.yml',
    ...readdirSync(new URL('../deploy/prometheus/scrape', import.meta.url))
      .filter((name) => name.endsWith('.yml'))
      .map((name) => `scrape/${name}`),
  ];
  const limits = files.map((file) => {
    const { scrape_configs } = parse(textOf(`deploy/prometheus/${file}`)) as { readonly scrape_configs: [Limits] };
    return [file, scrape_configs[0]] as const;
  });

  // A scrape over a limit fails as a whole, including its OOM kills.
  it.each(limits)('of %s have room for 1,000 containers', (_, { sample_limit, body_size_limit }) => {
    const { samples, bytes } = largestOfGolden();
    expect(sample_limit).toBeGreaterThan(1.25 * 1000 * samples);
    expect(Number(body_size_limit.replace('MB', '')) * 2 ** 20).toBeGreaterThan(2 * 1000 * bytes);
  });

  it.each(limits)('of %s have room for all labels that --container.labels may list', (_, limit) => {
    // The others are the name, the identity of a container, job, instance, __type__ and __unit__, and those of the user's targets.
    expect(limit.label_limit).toBeGreaterThanOrEqual(MOST_LABELS + 1 + 4 + 4 + 20);
    const longest = Array.from({ length: 1000 }, (_, length) => 'a'.repeat(length)).findLast(parseLabelNames) ?? '';
    const exported = exportedLabels(['.', '-'].map((last) => longest.slice(1) + last)).map(
      ({ exportedAs }) => exportedAs,
    );
    expect(limit.label_name_length_limit).toBeGreaterThan(Math.max(...exported.map((name) => name?.length ?? 0)));
  });

  it('are the same in the PodMonitor', () => {
    const { spec } = parse(textOf('deploy/kubernetes/base/podmonitor.yaml')) as { readonly spec: object };
    expect(spec).toMatchObject({
      sampleLimit: limits[0]?.[1].sample_limit,
      labelLimit: limits[0]?.[1].label_limit,
      labelNameLengthLimit: limits[0]?.[1].label_name_length_limit,
    });
  });
});

/** The most samples of a container in the golden output of any host. */
function largestOfGolden(): { readonly samples: number; readonly bytes: number } {
  const golden = new URL('golden/', import.meta.url);
  const hosts = readdirSync(golden).map((host) => {
    const folder = new URL(`${host}/`, golden);
    const text = readdirSync(folder).map((file) => readFileSync(new URL(file, folder), 'utf8'));
    const lines = text.flatMap((one) => one.split('\n')).filter((line) => /^[^#]*[{,]container="/.test(line));
    const { size } = new Set(lines.map((line) => /[{,]container="([^"]*)"/.exec(line)?.[1]));
    return { samples: lines.length / size, bytes: lines.join('\n').length / size };
  });
  return { samples: Math.max(...hosts.map((it) => it.samples)), bytes: Math.max(...hosts.map((it) => it.bytes)) };
}
