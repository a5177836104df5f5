import { type Bytes, cannotParse, decimalOf, textOf } from './bytes.ts';

/**
 * Parses a file of the misc controller, `misc.current`, `misc.max`, `misc.peak` or `misc.events`
 * (Documentation/admin-guide/cgroup-v2.rst, since Linux 5.13), one resource a line; `max` is `Infinity`:
 *
 *     sev 10
 *     sev_es max
 *     tdx.max 0
 *
 * @throws SyntaxError for a line that is not a name and a number or `max`.
 */
export function parseMisc(bytes: Bytes): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const line of linesOf(bytes)) {
    const [name = '', value = '', ...rest] = line.split(' ');
    found.set(name, valueOf(value, line, name === '' || rest.length > 0));
  }
  return found;
}

/** A resource of one RDMA device. */
export interface RdmaValue {
  readonly device: string;
  /** `hca_handle` or `hca_object`. */
  readonly resource: string;
  readonly value: number;
}

/**
 * Parses `rdma.current` or `rdma.max` (Documentation/admin-guide/cgroup-v2.rst), one device a line; `max` is `Infinity`:
 *
 *     mlx4_0 hca_handle=2 hca_object=2000
 *     ocrdma1 hca_handle=3 hca_object=max
 *
 * @throws SyntaxError for a line that is not a name and pairs of `key=value`.
 */
export function parseRdma(bytes: Bytes): readonly RdmaValue[] {
  return linesOf(bytes).flatMap((line) => {
    const [device = '', ...pairs] = line.split(' ').filter(Boolean);
    if (pairs.length === 0) throw cannotParse('a device and its resources', bytes);
    return pairs.map((pair) => {
      const [resource = '', value = '', ...rest] = pair.split('=');
      return { device, resource, value: valueOf(value, line, resource === '' || rest.length > 0) };
    });
  });
}

function linesOf(bytes: Bytes): string[] {
  return bytes.length === 0 ? [] : textOf(bytes).split('\n').filter(Boolean);
}

function valueOf(text: string, line: string, isMalformed: boolean): number {
  const value = text === 'max' ? Infinity : decimalOf(text);
  if (isMalformed || value === undefined) {
    throw new SyntaxError(`Cannot parse ${JSON.stringify(line.slice(0, 80))} as a resource and its value`);
  }
  return value;
}
