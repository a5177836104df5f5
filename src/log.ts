import { pino } from 'pino';
import { errnoOf } from './kernel/errno.ts';
import { StandardError } from './standard-error.ts';

/** The daemon's log: facts in the fields, a constant text as the message. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** The lowest severity that is written. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** The format of a line: `time=… level=info msg="…" key=value`, or the same as one JSON object. */
export const LOG_FORMATS = ['logfmt', 'json'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

/** The destination of lines. Each call gets one complete line with its newline. */
export interface LogDestination {
  write(line: string): void;
}

/** Keys that every line has. A field of the same name gets an underscore suffix. */
const RESERVED: ReadonlySet<string> = new Set(['time', 'level', 'msg']);

/**
 * Characters that JSON does not escape but a terminal or pager may interpret: DEL, C1 controls, line separators, and
 * bidirectional text controls.
 */
const DANGEROUS = /[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** Creates the log of the process. An `Error` in a field becomes its message and code, at level `debug` also its stack. */
export function createLog(options: {
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Standard error by default. */
  readonly destination?: LogDestination;
}): Log {
  const render = options.format === 'json' ? escapeDangerous : logfmtOfJson;
  const noticeOf = (dropped: number): string => {
    const msg = 'log lines were dropped because nobody read them';
    return render(`${JSON.stringify({ level: 'warn', time: new Date().toISOString(), dropped, msg })}\n`);
  };
  const destination: LogDestination = options.destination ?? new StandardError(noticeOf);
  const showStack = options.level === 'debug';
  return pino(
    {
      level: options.level,
      // No pid and no host name on each line.
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: {
        level: (label) => ({ level: label }),
        log: (fields) => flattenErrors(fields, showStack ? ['code', 'stack'] : ['code']),
      },
    },
    { write: (line: string) => destination.write(render(line)) },
  );
}

type ErrorPart = 'code' | 'stack';

function flattenErrors(fields: Record<string, unknown>, parts: readonly ErrorPart[]): Record<string, unknown> {
  const flat: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    const key = RESERVED.has(name) ? `${name}_` : name;
    if (!(value instanceof Error)) {
      flat[key] = value;
      continue;
    }
    flat[key] = messageOf(value);
    const code = errnoOf(value) ?? errnoOf(value.cause);
    if (code !== undefined && parts.includes('code')) flat[`${key}_code`] = code;
    if (parts.includes('stack')) flat[`${key}_stack`] = value.stack;
  }
  return flat;
}

/** The message of an error and of its causes, each once. */
function messageOf(error: Error): string {
  // Node's AggregateError for a failed connection has its text only in the inner errors.
  const inner = error instanceof AggregateError ? error.errors.filter((each) => each instanceof Error) : [];
  const own = error.message === '' ? inner.map((each) => each.message).join('; ') || error.name : error.message;
  if (!(error.cause instanceof Error)) return own;
  const cause = messageOf(error.cause);
  return own.includes(cause) ? own : `${own}: ${cause}`;
}

function escapeDangerous(line: string): string {
  return line.replace(DANGEROUS, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function logfmtOfJson(line: string): string {
  const { time, level, msg, ...fields }: Record<string, unknown> = JSON.parse(line);
  const pairs: string[] = [];
  addPairs(pairs, '', { time, level, msg });
  addPairs(pairs, '', fields);
  return `${pairs.join(' ')}\n`;
}

function addPairs(pairs: string[], prefix: string, fields: object): void {
  for (const [name, value] of Object.entries(fields)) {
    const key = prefix + name.replaceAll(/[^\w.-]/g, '_');
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) addPairs(pairs, `${key}.`, value);
    else pairs.push(`${key}=${logfmtValue(value)}`);
  }
}

function logfmtValue(value: unknown): string {
  const isList = Array.isArray(value) && value.every((each) => typeof each === 'string');
  const text = isList ? value.join(',') : typeof value === 'string' ? value : JSON.stringify(value);
  // Quote anything with a space, a quote, "=" or a non-ASCII character, so that a value cannot forge another field or line.
  return /^[\w.:/@+,%~-]+$/.test(text) ? text : escapeDangerous(JSON.stringify(text));
}
