import type { Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { Connections } from './connections.ts';

const cleanups: (() => void)[] = [];

afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** A server that passes accepted sockets to the connections, and a client that can connect from any loopback address. */
async function listening(most: number) {
  const connections = new Connections(most);
  const accepted: Socket[] = [];
  const server = createServer((socket) => {
    accepted.push(socket.on('error', () => {}));
    connections.add(socket);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => {
    connections.destroy();
    server.close();
  });
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const open = async (localAddress = '127.0.0.1'): Promise<Socket> => {
    const before = accepted.length;
    connect({ port: port ?? 0, host: '127.0.0.1', localAddress }).on('error', () => {});
    await expect.poll(() => accepted.length).toBe(before + 1);
    return accepted[before] as Socket;
  };
  const alive = (): boolean[] => accepted.map(({ destroyed }) => !destroyed);
  return { connections, open, alive };
}

test('the connection that has been idle longest is closed', async () => {
  const { connections, open, alive } = await listening(3);
  const first = await open();
  await open();
  await open();
  connections.begin(first)();
  await open();
  expect(alive()).toEqual([true, false, true, true]);
  await open();
  expect(alive()).toEqual([true, false, false, true, true]);
});

test('busy connections stay as long as one is idle, and then the oldest goes', async () => {
  const { connections, open, alive } = await listening(2);
  const [first, second] = [await open(), await open()];
  connections.begin(first);
  await open();
  expect(alive()).toEqual([true, false, true]);
  expect(second.destroyed).toBe(true);
  const busy = await listening(2);
  busy.connections.begin(await busy.open());
  busy.connections.begin(await busy.open());
  await busy.open();
  expect(busy.alive()).toEqual([false, true, true]);
});

test('an address that opens connections without end closes its own', async () => {
  const { open, alive } = await listening(5);
  await open('127.0.0.2');
  await open('127.0.0.3');
  for (let index = 0; index < 20; index += 1) await open('127.0.0.4');
  await open('127.0.0.5');
  expect(alive().slice(0, 2)).toEqual([true, true]);
  expect(alive().filter(Boolean)).toHaveLength(5);
  expect(alive().at(-1)).toBe(true);
});

test('a connection that the client closes makes room', async () => {
  const { open, alive } = await listening(2);
  const [first] = [await open(), await open()];
  first.destroy();
  await expect.poll(() => alive()).toEqual([false, true]);
  await open();
  expect(alive()).toEqual([false, true, true]);
});
