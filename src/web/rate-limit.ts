import { sectionOf, textOf, wrong } from '../config-files/config-section.ts';

/** The section `rate_limit`: a token bucket that all requests share. */
export interface RateLimit {
  /** The interval between two tokens, in ms. */
  readonly interval: number;
  /** The capacity of the bucket, which starts full. 0 lets no request through, as in the toolkit. */
  readonly burst: number;
}

/** Whether a request may pass now. */
export type Limiter = () => boolean;

const SECTION = 'rate_limit';

/** Ms in each unit of a Go duration. */
const UNITS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** Reads `rate_limit`; `undefined` means no limit. @throws Error in one line. */
export function rateLimitOf(value: unknown): RateLimit | undefined {
  const section = sectionOf(value, SECTION, ['interval', 'burst']);
  const interval = durationOf(textOf(section.get('interval'), `${SECTION}.interval`) ?? '0');
  const burst = textOf(section.get('burst'), `${SECTION}.burst`) ?? '0';
  if (!/^\d{1,9}$/.test(burst)) throw wrong(`${SECTION}.burst`, 'expected a whole number');
  return interval === 0 ? undefined : { interval, burst: Number(burst) };
}

/** @param now the time in ms. */
export function createLimiter(limit: RateLimit | undefined, now: () => number = () => performance.now()): Limiter {
  if (limit === undefined) return () => true;
  const { interval, burst } = limit;
  let tokens = burst;
  let filledAt = now();
  return () => {
    const time = now();
    tokens = Math.min(burst, tokens + (time - filledAt) / interval);
    filledAt = time;
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  };
}

/** Ms in a Go duration such as `1m30s`; a bare number is in nanoseconds, as Go's YAML has it. */
function durationOf(text: string): number {
  const [sign, digits] = [text.startsWith('-'), text.replace(/^\+/, '')];
  const number = '(?:\\d+\\.?\\d*|\\.\\d+)';
  if (sign || !new RegExp(`^(?:\\d+|(?:${number}(?:ns|us|µs|ms|s|m|h))+)$`).test(digits)) {
    throw wrong(`${SECTION}.interval`, 'expected a duration such as 100ms or 1s');
  }
  if (/^\d+$/.test(digits)) return Number(digits) / 1e6;
  const parts = [...digits.matchAll(new RegExp(`(${number})(ns|us|µs|ms|s|m|h)`, 'g'))];
  return parts.reduce((sum, [, amount, unit = '']) => sum + Number(amount) * (UNITS[unit] ?? 0), 0);
}
