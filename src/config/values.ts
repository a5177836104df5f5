import { isIPv4, isIPv6 } from 'node:net';
import { resolve } from 'node:path';

/** Where to listen. */
export interface ListenAddress {
  /** `undefined`: all addresses of the host. */
  readonly host: string | undefined;
  readonly port: number;
  /** The text that the user gave. */
  readonly text: string;
}

/** How to reach the API of a container engine. */
export type EngineHost =
  | UnixHost
  | {
      readonly kind: 'tcp';
      readonly protocol: 'http' | 'https';
      readonly host: string;
      readonly port: number;
      readonly text: string;
    };

/** A socket in the file system. */
export interface UnixHost {
  readonly kind: 'unix';
  readonly path: string;
  readonly text: string;
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

const HOST_NAME =
  /^(?=.{1,253}$)[a-zA-Z0-9_]([a-zA-Z0-9_-]*[a-zA-Z0-9_])?(\.[a-zA-Z0-9_]([a-zA-Z0-9_-]*[a-zA-Z0-9_])?)*$/;

// Each parser gets the user's text, and returns `undefined` if it is invalid.

/** Reads `:10061`, `host:port` or `[::1]:port`. */
export function parseListenAddress(text: string): ListenAddress | undefined {
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const [, ipv6, name = '', digits = ''] = match;
  const port = Number(digits);
  if (port > 65_535) return undefined;
  if (ipv6 !== undefined) return isIPv6(ipv6) ? { host: ipv6, port, text } : undefined;
  if (name === '') return { host: undefined, port, text };
  // Text that looks like an IPv4 address must be one: "127.0.0" is a typo, not a host name.
  if (!HOST_NAME.test(name) || (/^[\d.]+$/.test(name) && !isIPv4(name))) return undefined;
  return { host: name, port, text };
}

/** Reads `unix:///path`, a path, `tcp://host:port`, `http://host:port` or `https://host:port`. */
export function parseEngineHost(text: string): EngineHost | undefined {
  const path = parsePath(text.replace(/^unix:\/\//, ''));
  if (path !== undefined) return { kind: 'unix', path, text };
  const match = /^(tcp|https?):\/\/(.+?)\/?$/.exec(text);
  const address = parseListenAddress(match?.[2] ?? '');
  if (address?.host === undefined || address.port === 0) return undefined;
  return {
    kind: 'tcp',
    protocol: match?.[1] === 'https' ? 'https' : 'http',
    host: address.host,
    port: address.port,
    text,
  };
}

/** Reads `unix:///path` or a path. */
export function parseUnixSocket(text: string): UnixHost | undefined {
  const host = parseEngineHost(text);
  return host?.kind === 'unix' ? host : undefined;
}

/** Reads the path of a URL without a query, percent-encoding and the names `.` and `..`, which clients resolve. */
export function parseUrlPath(text: string): string | undefined {
  const isPath = /^\/[\w.~/@:+-]*$/.test(text) && !text.startsWith('//') && !/\/\.{1,2}(?:\/|$)/.test(text);
  return isPath ? text : undefined;
}

/** Reads an absolute path and drops trailing slashes. */
export function parsePath(text: string): string | undefined {
  if (!text.startsWith('/') || text.includes('\0')) return undefined;
  return text.replace(/\/+$/, '') || '/';
}

/** Reads the path of a file, relative to the working directory. */
export function parseFile(text: string): string | undefined {
  return text === '' || text.includes('\0') ? undefined : resolve(text);
}

/** Reads a whole number of at least 0. */
export function parseCount(text: string): number | undefined {
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

/** Reads a duration such as `500ms`, `10s`, `1m30s` or `7d` into ms. */
export function parseDuration(text: string): number | undefined {
  if (!/^(\d{1,9}d)?(\d{1,9}h)?(\d{1,9}m)?(\d{1,9}s)?(\d{1,9}ms)?$/.test(text) || text === '') return undefined;
  let ms = 0;
  for (const [, digits, unit = ''] of text.matchAll(/(\d+)(ms|[dhms])/g)) ms += Number(digits) * (UNIT_MS[unit] ?? 0);
  return ms;
}

/** Reads `true`, `1`, `false` or `0`. */
export function parseSwitch(text: string): boolean | undefined {
  if (text === 'true' || text === '1') return true;
  return text === 'false' || text === '0' ? false : undefined;
}
