import { request } from 'node:http';
import type { FixtureTree } from './fixture-tree.ts';

/** Copies what a Docker daemon answers when asked for all its containers: the names that go with the cgroups. */
export async function captureDockerApi(socketPath: string, tree: FixtureTree): Promise<void> {
  const body = await get(socketPath, '/containers/json?all=1');
  // One field a line, for whoever reads a diff. Not ASCII (a name cannot be, a command can) stays as it is.
  const text = `${JSON.stringify(JSON.parse(body), undefined, 2)}\n`;
  tree.write('docker/containers.json', Buffer.from(text, 'utf8').toString('latin1'));
}

function get(socketPath: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, path }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
    });
    call.on('error', reject);
    call.end();
  });
}
