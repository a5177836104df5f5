import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { composeService } from './lab/compose.ts';

const textOf = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
const { version } = JSON.parse(textOf('package.json')) as { readonly version: string };
const exporter = composeService('isolation-exporter');

describe('the image', () => {
  it('is of this version wherever it is named', () => {
    expect(/image\.version="(.+)"/.exec(textOf('Dockerfile'))?.[1]).toBe(version);
    expect(exporter.image).toBe(`isolation-exporter:${version}`);
    for (const path of ['Dockerfile', 'docs/deploy.md']) {
      const named = [...textOf(path).matchAll(/isolation-exporter:(\d[\w.-]*)/g)].map(([, tag]) => tag);
      expect(named, path).not.toEqual([]);
      expect([...new Set(named)], path).toEqual([version]);
    }
  });

  it('is run in docs/deploy.md with the options of the compose file', () => {
    const command = /docker run (.*?)\n```/s.exec(textOf('docs/deploy.md'))?.[1]?.replaceAll(/\s*\\\n\s*/g, ' ') ?? '';
    const said = command
      .split(/(?:^| )(?=--)/)
      .filter((option) => !/^--(?:detach|name|publish)\b/.test(option))
      .map((option) => option.replace(/(?<=DOCKER_HOST=)$/, 'tcp://docker-socket-proxy:2375'));
    // By hand nobody writes `=` and `true`.
    const inFile = exporter.options
      .filter((option) => !option.startsWith('--memory='))
      .map((option) => option.replace('=', ' ').replace(/[ :]true$/, ''));
    expect(said.filter((option) => option !== '').toSorted()).toEqual(inFile.toSorted());
    expect(exporter.command).toEqual([]);
  });
});
