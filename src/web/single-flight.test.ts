import { expect, test } from 'vitest';
import { SingleFlight } from './single-flight.ts';

test('those who come during a run share it, those who come later do not', async () => {
  const flights = new SingleFlight<number>();
  let runs = 0;
  const run = (key: string): Promise<number> => flights.run(key, async () => (runs += 1));
  expect(await Promise.all([run('a'), run('a'), run('b')])).toEqual([1, 1, 2]);
  expect(await run('a')).toBe(3);
});

test('a failure is shared and then forgotten', async () => {
  const flights = new SingleFlight<number>();
  const fail = (): Promise<number> => Promise.reject(new Error('no'));
  const outcomes = await Promise.allSettled([flights.run('a', fail), flights.run('a', async () => 1)]);
  expect(outcomes.map((each) => each.status)).toEqual(['rejected', 'rejected']);
  expect(await flights.run('a', async () => 2)).toBe(2);
});
