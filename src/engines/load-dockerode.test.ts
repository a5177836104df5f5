import { createRequire } from 'node:module';
import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { loadDockerode } from './load-dockerode.ts';

const require = createRequire(import.meta.url);
const loaded = (name: string): string[] =>
  Object.keys(require.cache).filter((file) => file.includes(`/node_modules/${name}/`));

describe('dockerode', () => {
  const Dockerode = loadDockerode();

  test('makes its requests through the modem that it is given', async () => {
    const asked: unknown[] = [];
    const dial = ({ path }: { path: string }, callback: (error: unknown, answer: unknown) => void): void => {
      asked.push(path);
      callback(null, new PassThrough());
    };
    await new Dockerode({ modem: { dial } } as ConstructorParameters<typeof Dockerode>[0]).ping();
    expect(asked).toEqual(['/_ping']);
  });

  test('is loaded without what it does not need here', () => {
    expect(loaded('dockerode')).not.toEqual([]);
    expect(['docker-modem', 'ssh2', '@grpc/grpc-js', '@grpc/proto-loader'].flatMap(loaded)).toEqual([]);
  });

  test('leaves gRPC to the client of the CRI', async () => {
    const grpc = await import('@grpc/grpc-js');
    expect(grpc.credentials.createInsecure).toBeTypeOf('function');
    expect(loadDockerode()).toBe(Dockerode);
  });
});
