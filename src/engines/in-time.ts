/**
 * Waits for an answer, but neither longer than the limit nor past the abort of its signal. The signal that the question gets
 * is aborted at the end in any case.
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
