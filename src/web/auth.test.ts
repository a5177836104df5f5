import { hashSync } from 'bcryptjs';
import { describe, expect, test } from 'vitest';
import { createGuard } from './auth.ts';
import type { Compare } from './auth.ts';

const USERS = new Map([
  ['alice', hashSync('open: sesame', 4)],
  ['bob', hashSync('grün', 5)],
]);

/** A hash that matches no user's password. */
function hashOf(cost: number): string {
  return `$2b$${String(cost).padStart(2, '0')}$${'a'.repeat(53)}`;
}

function basic(name: string, password: string): string {
  return `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`;
}

/** A comparison that counts its calls, and that ends when the test says so. */
function counted(answer: boolean) {
  const asked: { password: string; hashes: readonly string[] }[] = [];
  const ends: (() => void)[] = [];
  const compare: Compare = (password, hashes) => {
    asked.push({ password, hashes });
    return new Promise((resolve) => ends.push(() => resolve(answer)));
  };
  const end = async (): Promise<void> => {
    while (ends.length === 0) await new Promise((resolve) => setImmediate(resolve));
    ends.shift()?.();
  };
  return { asked, compare, end };
}

describe('with bcrypt in a thread', () => {
  const guard = createGuard();

  test.each([
    ['alice', 'open: sesame', undefined],
    ['bob', 'grün', undefined],
    ['alice', 'grün', 401],
    ['alice', '', 401],
    ['', '', 401],
    ['carol', 'open: sesame', 401],
  ])('%s with %j: %s', async (name, password, status) => {
    expect((await guard(basic(name, password), USERS))?.status).toBe(status);
    expect((await guard(basic(name, password), USERS))?.status).toBe(status);
  });

  test('the event loop goes on', async () => {
    // The comparison takes about 600 ms.
    const users = new Map([['alice', `$2b$12$${'a'.repeat(53)}`]]);
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 5);
    expect((await guard(basic('alice', 'x'), users))?.status).toBe(401);
    clearInterval(timer);
    // If it blocked the event loop, there would be at most one turn.
    expect(turns).toBeGreaterThan(5);
  });
});

test('nobody is asked if there are no users', async () => {
  expect(await createGuard()(undefined, new Map())).toBeUndefined();
});

test.each([undefined, '', 'Basic', 'Basic ', 'Basic YQ==', 'Bearer YTpi', 'Basic YTpi, Basic YTpi', 'Basic \u0000'])(
  '%j is no login',
  async (authorization) => {
    const { asked, compare } = counted(true);
    const reply = await createGuard(compare)(authorization, USERS);
    expect(reply).toMatchObject({
      status: 401,
      headers: { 'WWW-Authenticate': expect.stringMatching(/^Basic realm=/) },
    });
    expect(asked).toEqual([]);
  },
);

test('the same login is compared once, and again with another hash', async () => {
  const { asked, compare, end } = counted(true);
  const guard = createGuard(compare);
  const answers = [guard(basic('alice', 'x'), USERS), guard(basic('alice', 'x'), USERS)];
  await end();
  expect(await Promise.all(answers)).toEqual([undefined, undefined]);
  expect(await guard(basic('alice', 'x'), USERS)).toBeUndefined();
  expect(asked).toHaveLength(1);
  const changed = guard(basic('alice', 'x'), new Map([['alice', 'other']]));
  await end();
  await changed;
  expect(asked.map(({ hashes: [first] }) => first)).toEqual([USERS.get('alice'), 'other']);
});

test('an unknown name is never let in, even if a comparison matches', async () => {
  const { asked, compare, end } = counted(true);
  const answer = createGuard(compare)(basic('carol', 'x'), USERS);
  await end();
  expect((await answer)?.status).toBe(401);
  const nobody = expect.stringMatching(/^\$2b\$04\$[./]{53}$/);
  expect(asked).toEqual([{ password: 'x', hashes: [nobody, nobody] }]);
});

test('every check takes the same number of rounds, for any name and any cost of the hash', async () => {
  const users = new Map([4, 6, 11, 11, 14].map((cost, index) => [`user${index}`, hashOf(cost)]));
  const rounds: number[] = [];
  const guard = createGuard(async (_, hashes) => {
    rounds.push(hashes.reduce((sum, hash) => sum + 2 ** Number(/^\$2b\$(\d\d)\$/.exec(hash)?.[1]), 0));
    return false;
  });
  for (const name of [...users.keys(), 'nobody', '']) await guard(basic(name, 'x'), users);
  expect(rounds).toEqual(Array(7).fill(2 ** 14));
});

describe('a hash above cost 14', () => {
  const users = new Map([
    ['prometheus', hashOf(8)],
    ['other', hashOf(10)],
    ['admin', hashOf(31)],
  ]);

  test('makes no other check longer', async () => {
    const rounds: number[] = [];
    const guard = createGuard(async (_, hashes) => {
      rounds.push(hashes.reduce((sum, hash) => sum + 2 ** Number(/^\$2b\$(\d\d)\$/.exec(hash)?.[1]), 0));
      return false;
    });
    for (const name of ['prometheus', 'other', 'nobody', 'admin']) await guard(basic(name, 'x'), users);
    expect(rounds).toEqual([2 ** 10, 2 ** 10, 2 ** 10, 2 ** 31]);
  });

  test('holds up no other check, also with the most that may wait', async () => {
    const guard = createGuard((_, [hash]) =>
      hash === users.get('admin') ? new Promise(() => {}) : Promise.resolve(hash === users.get('prometheus')),
    );
    for (let guess = 0; guess < 16; guess += 1) void guard(basic('admin', `${guess}`), users);
    expect((await guard(basic('admin', 'x'), users))?.status).toBe(503);
    expect(await guard(basic('prometheus', 'x'), users)).toBeUndefined();
    expect((await guard(basic('nobody', 'x'), users))?.status).toBe(401);
  });

  test('of every user leaves other names a cheap check', async () => {
    const asked: (readonly string[])[] = [];
    const guard = createGuard(async (_, hashes) => {
      asked.push(hashes);
      return false;
    });
    await guard(basic('nobody', 'x'), new Map([['admin', hashOf(31)]]));
    expect(asked).toEqual([[expect.stringMatching(/^\$2b\$14\$/)]]);
  });
});

test('the hashes that only take time do not decide', async () => {
  const guard = createGuard();
  const users = new Map([
    ['cheap', hashSync('right', 4)],
    ['dear', hashSync('other', 7)],
  ]);
  expect(await guard(basic('cheap', 'right'), users)).toBeUndefined();
  expect((await guard(basic('cheap', 'other'), users))?.status).toBe(401);
  expect(await guard(basic('dear', 'other'), users)).toBeUndefined();
});

test('only a limited number wait, and the next is asked to retry', async () => {
  const { asked, compare, end } = counted(false);
  const guard = createGuard(compare);
  const waiting = Array.from({ length: 16 }, (_, index) => guard(basic('alice', `${index}`), USERS));
  expect((await guard(basic('alice', '16'), USERS))?.status).toBe(503);
  await end();
  await waiting[0];
  expect(asked.length).toBeLessThanOrEqual(2);
  for (let rest = 1; rest < 16; rest += 1) await end();
  expect((await Promise.all(waiting)).map((reply) => reply?.status)).toEqual(Array(16).fill(401));
});

test('who guesses does not displace who knows', async () => {
  let asked = 0;
  const guard = createGuard(async (password) => (asked++, password === 'right'));
  expect(await guard(basic('alice', 'right'), USERS)).toBeUndefined();
  for (let index = 0; index < 150; index += 1) await guard(basic('alice', `${index}`), USERS);
  expect(asked).toBe(151);
  expect(await guard(basic('alice', 'right'), USERS)).toBeUndefined();
  expect((await guard(basic('alice', '149'), USERS))?.status).toBe(401);
  expect(asked).toBe(151);
  await guard(basic('alice', '0'), USERS);
  expect(asked).toBe(152);
});

test('a comparison that fails is not remembered', async () => {
  let fails = true;
  const guard = createGuard(async () => {
    if (fails) throw new Error('no thread');
    return true;
  });
  await expect(guard(basic('alice', 'x'), USERS)).rejects.toThrow('no thread');
  fails = false;
  expect(await guard(basic('alice', 'x'), USERS)).toBeUndefined();
});
