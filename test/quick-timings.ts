/** Short timings of a name source, in ms, for tests of retries and timeouts. */
export const QUICK = {
  ping: 200,
  inspect: 200,
  list: 200,
  heartbeat: 50,
  listAgain: 100,
  lookForSocket: 20,
  shortestBackOff: 10,
  longestBackOff: 50,
  keepForgotten: 100,
  inspectAgain: [10, 20, 40, 80],
  repeatInterval: 20,
};
