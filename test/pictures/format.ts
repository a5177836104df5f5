const BYTES = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
const SHORT = ['', 'K', 'Mil', 'Bil'];
const SECONDS: readonly (readonly [from: number, divisor: number, name: string])[] = [
  [86_400, 86_400, 'days'],
  [3_600, 3_600, 'hours'],
  [60, 60, 'mins'],
  [1, 1, 's'],
  [1e-3, 1e-3, 'ms'],
  [0, 1e-6, 'µs'],
];

/** Formats a value in one of the units of the dashboards, much like Grafana. `now` is in seconds. */
export function format(value: number, unit: string, decimals: number | undefined, now: number): string {
  const number = (scaled: number) => scaled.toFixed(decimals ?? decimalsFor(scaled));
  switch (unit) {
    case 'percentunit':
      return `${number(value * 100)}%`;
    case 'bytes':
      return scale(value, 1024, BYTES, number);
    case 'binBps':
      return `${scale(value, 1024, BYTES, number)}/s`;
    case 'cps':
      return `${scale(value, 1000, SHORT, number).replace(' ', '')} c/s`;
    case 'short':
      return scale(value, 1000, SHORT, number);
    case 's': {
      const [, divisor = 1, name = 's'] = SECONDS.find(([from]) => Math.abs(value) >= from) ?? [];
      return value === 0 ? '0 s' : `${number(value / divisor)} ${name}`;
    }
    case 'dateTimeFromNow':
      return `${format(Math.max(0, now - value / 1000), 's', 0, now)} ago`;
    case 'bool_yes_no':
      return value === 0 ? 'No' : 'Yes';
    case 'none':
      return number(value);
    default:
      throw new Error(`no unit that boards here use: ${unit}`);
  }
}

function scale(value: number, base: number, units: readonly string[], number: (scaled: number) => string): string {
  let [scaled, index] = [value, 0];
  while (Math.abs(scaled) >= base && index < units.length - 1) [scaled, index] = [scaled / base, index + 1];
  return `${number(scaled)} ${units[index]}`.trim();
}

function decimalsFor(scaled: number): number {
  const size = Math.abs(scaled);
  return Number.isInteger(scaled) ? 0 : size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
}
