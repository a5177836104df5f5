/**
 * Runs `callback` once all inotify events that the kernel has queued so far were delivered.
 *
 * libuv reads its inotify descriptor until it is empty in each poll phase, and immediates come right after that phase.
 * Called from within a poll phase, which may be past that descriptor already, the first immediate proves nothing; the
 * second one has a whole phase before it. (A timer would prove nothing at all: after a long block of the event loop it
 * comes before the poll.)
 */
export function afterPendingInotifyEvents(callback: () => void): void {
  setImmediate(() => setImmediate(callback));
}
