/**
 * Waits for an answer until the time limit, or until its signal is aborted. At the end, the signal that was passed to
 * the request is always aborted.
 *
 * @throws Error if there is no answer in time.
 */
export async function inTime<T>(
  question: (signal: AbortSignal) => Promise<T>,
  limit: { readonly ms: number; readonly signal: AbortSignal; readonly what: string },
): Promise<T> {
  const { ms, signal, what } = limit;
  signal.throwIfAborted();
  const call = new AbortController();
  let giveUp = (): void => {};
  const tooLate = new Promise<never>((_, reject) => {
    giveUp = () => reject(new Error(`No answer (${what})`));
  });
  const timer = setTimeout(giveUp, ms).unref();
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    return await Promise.race([question(call.signal), tooLate]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', giveUp);
    call.abort();
  }
}
