/** Timings of a source of names, in ms, that make a test of what happens in time a short one. */
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
};
