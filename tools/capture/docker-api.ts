import { request } from 'node:http';
import type { FixtureTree } from './fixture-tree.ts';

/** Copies a Docker daemon's list of all containers: the names for the cgroups. */
export async function captureDockerApi(socketPath: string, tree: FixtureTree): Promise<void> {
  const body = await get(socketPath, '/containers/json?all=1');
  // One field per line, for readable diffs. Non-ASCII text, which only commands can contain, stays as it is.
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
