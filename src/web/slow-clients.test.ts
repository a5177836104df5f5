import { createServer, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { RequestSlots } from './request-slots.ts';
import { UnreadResponses } from './unread-responses.ts';

const cleanups: (() => void)[] = [];

afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** Each call creates one response to a client that never reads. */
async function unreadResponses(): Promise<() => Promise<{ response: ServerResponse; socket: Socket }>> {
  const responses: ServerResponse[] = [];
  const server = createServer((_, response) => void responses.push(response));
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  cleanups.push(() => server.close());
  return async () => {
    const before = responses.length;
    const client = connect(typeof address === 'object' ? (address?.port ?? 0) : 0, '127.0.0.1').on('error', () => {});
    cleanups.push(() => client.destroy());
    client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await expect.poll(() => responses.length).toBe(before + 1);
    const response = responses[before];
    if (response?.socket == null) throw new Error('no socket');
    return { response, socket: response.socket };
  };
}

test('a client that does not fetch its answer loses its slot to the next, and its connection', async () => {
  const next = await unreadResponses();
  const slots = new RequestSlots(2, 20);
  const [slow, working, late] = [await next(), await next(), await next()];
  expect(slots.take(slow.response, slow.socket)).toBe(true);
  expect(slots.take(working.response, working.socket)).toBe(true);
  slots.isReady(slow.response);
  expect(slots.take(late.response, late.socket)).toBe(false);
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(slots.take(late.response, late.socket)).toBe(true);
  expect([slow, working, late].map(({ socket }) => socket.destroyed)).toEqual([true, false, false]);
  // A client whose answer is not ready keeps its slot.
  const another = await next();
  expect(slots.take(another.response, another.socket)).toBe(false);
});

test('a slot is free once its client has gone', async () => {
  const next = await unreadResponses();
  const slots = new RequestSlots(1);
  const [first, second] = [await next(), await next()];
  expect(slots.take(first.response, first.socket)).toBe(true);
  first.socket.destroy();
  await expect.poll(() => slots.take(second.response, second.socket)).toBe(true);
});

test('answers that are not fetched take up a bounded amount of memory', async () => {
  const next = await unreadResponses();
  const unread = new UnreadResponses(1_000);
  const clients = [await next(), await next(), await next()];
  for (const { response, socket } of clients) unread.add(response, socket, 400);
  expect(clients.map(({ socket }) => socket.destroyed)).toEqual([true, false, false]);
  const large = await next();
  unread.add(large.response, large.socket, 5_000);
  // A response that exceeds the limit by itself is still sent.
  expect([...clients, large].map(({ socket }) => socket.destroyed)).toEqual([true, true, true, false]);
  large.response.end('x');
  await expect.poll(() => large.response.closed).toBe(true);
  const [first, second] = [await next(), await next()];
  for (const { response, socket } of [first, second]) unread.add(response, socket, 500);
  expect([first, second].map(({ socket }) => socket.destroyed)).toEqual([false, false]);
});
