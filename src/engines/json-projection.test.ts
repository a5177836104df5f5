import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JsonProjection, type Selection } from './json-projection.ts';

const SELECTION: Selection = { Id: true, Names: true, Config: { Labels: { app: true } } };

function project(text: string, options: { shape?: 'object' | 'list'; step?: number } = {}) {
  const { shape = 'list', step = 3 } = options;
  const projection = new JsonProjection(SELECTION, shape);
  const bytes = Buffer.from(text);
  const objects: unknown[] = [];
  for (let at = 0; at < bytes.length; at += step) objects.push(...projection.push(bytes.subarray(at, at + step)));
  projection.end();
  return { objects, leftOut: projection.leftOut };
}

/** The expected result of the projection, computed with JSON.parse. */
function expected(value: unknown, selection: Selection = SELECTION): unknown {
  const picked: Record<string, unknown> = {};
  for (const [key, child] of Object.entries(selection)) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) continue;
    const found: unknown = Object.getOwnPropertyDescriptor(value, key)?.value;
    if (child === true) picked[key] = found;
    else if (typeof found === 'object' && found !== null && !Array.isArray(found)) picked[key] = expected(found, child);
  }
  return picked;
}

test('keeps what is selected and nothing else', () => {
  const text = `[{"Id":"ab","Ports":[{"PrivatePort":80}],"Config":{"Labels":{"app":"w\\"eb","x":"y"},"Image":"i"}},
    { "Id" : "cd" , "Names" : [ "/a" , "/b" ], "Config" : null }, 7, null, "x", [{"Id":"inner"}], {}]`;
  expect(project(text)).toEqual({
    objects: [{ Id: 'ab', Config: { Labels: { app: 'w"eb' } } }, { Id: 'cd', Names: ['/a', '/b'] }, {}],
    leftOut: 0,
  });
  expect(project('{"Id":"x","Id":"y"}', { shape: 'object' }).objects).toEqual([{ Id: 'y' }]);
});

test('agrees with JSON.parse, wherever the answer is cut into pieces', () => {
  const leaf = fc.oneof(
    fc.string(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
    fc.constant(null),
  );
  const { item } = fc.letrec((tie) => ({
    item: fc.oneof({ depthSize: 'small' }, leaf, fc.array(tie('item'), { maxLength: 3 }), tie('object')),
    object: fc.dictionary(
      fc.constantFrom('Id', 'Names', 'Config', 'Labels', 'app', 'x', '"', '\\', '__proto__'),
      tie('item'),
    ),
  }));
  const written = fc.constantFrom<(value: unknown) => string>(JSON.stringify, (value) =>
    JSON.stringify(value, null, ' '),
  );
  fc.assert(
    fc.property(fc.array(item, { maxLength: 4 }), written, fc.integer({ min: 1, max: 9 }), (list, write, step) => {
      const objects = list.filter((it) => typeof it === 'object' && it !== null && !Array.isArray(it));
      // Both values go through text, because JSON has no -0.
      expect(project(write(list), { step }).objects).toEqual(
        JSON.parse(JSON.stringify(objects.map((it) => expected(it)))),
      );
    }),
  );
});

test('finds an escaped key, and takes no inherited one for a selected', () => {
  expect(project('[{"\\u0049d":"x","constructor":1,"\\ud800":2,"toString":3}]').objects).toEqual([{ Id: 'x' }]);
});

describe('what is too large or too deep is left out and counted', () => {
  const big = 'x'.repeat(20_000);
  test.each([
    [`[{"Id":"${big}","Names":["a"]},{"Id":"b"}]`, [{ Names: ['a'] }, { Id: 'b' }], 1],
    [`[{"Names":${'['.repeat(50)}${']'.repeat(50)},"Id":"a"}]`, [{ Id: 'a' }], 1],
    // 64 KiB are kept, and the rest is not.
    [`[{${'"Id":"xxxxxxxx",'.repeat(10_000)}"Id":"a"},{"Id":"b"}]`, [{ Id: 'xxxxxxxx' }, { Id: 'b' }], 5_905],
    [`[{"Id":nonsense},{"Id":"b"}]`, [{ Id: 'b' }], 1],
  ])('%#', (text, objects, leftOut) => {
    expect(project(text, { step: 1000 })).toEqual({ objects, leftOut });
  });

  test('one by one, so that long labels of an image do not cost a container its name', () => {
    const names = Array.from({ length: 20 }, (_, index) => `l${index}`);
    const labels = Object.fromEntries(names.map((name) => [name, 'x'.repeat(10_000)]));
    const selection = {
      Id: true,
      Labels: Object.fromEntries(names.map((name) => [name, true as const])),
      Name: true,
    } as const;
    const projection = new JsonProjection(selection, 'object');
    const objects = projection.push(Buffer.from(JSON.stringify({ Id: 'a', Labels: labels, Name: 'web' })));
    expect(objects).toMatchObject([{ Id: 'a', Labels: { l0: labels['l0'] } }]);
    expect(projection.leftOut).toBeGreaterThan(10);
  });

  test('but unselected values can have any size and depth', () => {
    const deep = 5_000_000;
    const text = `[{"${'k'.repeat(1_000)}":1,"Other":${'['.repeat(deep)}${']'.repeat(deep)},"Id":"a","X":"${big}"}]`;
    expect(project(text, { step: 65_536 })).toEqual({ objects: [{ Id: 'a' }], leftOut: 0 });
  });
});

test.each([
  '',
  '<html>',
  '{"Id":"x"}',
  '7',
  '"["',
  '[',
  '[{',
  '[{"Id"',
  '[{"Id":',
  '[{"Id":"a"',
  '[{7:1}]',
  '[{"Id" "a"}]',
])('is an error where a list should be: %s', (text) => {
  expect(() => project(text)).toThrow(SyntaxError);
});
