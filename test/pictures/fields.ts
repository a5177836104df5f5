import { createHash } from 'node:crypto';
import { type FieldConfig, FieldColorModeId, MappingType, type Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import { format } from './format.ts';

/** Grafana's colours on its dark theme. */
const COLOURS: Readonly<Record<string, string>> = {
  green: '#73bf69',
  'dark-green': '#37872d',
  orange: '#ff9830',
  red: '#f2495c',
  blue: '#5794f2',
  yellow: '#fade2a',
  purple: '#b877d9',
  text: '#ccccdc',
  transparent: 'transparent',
};
const PALETTE =
  '73bf69 f2cc0c 8ab8ff ff780a f2495c 5794f2 b877d9 96d98d ffb357 ca95e5 ff7383 37872d e0b400 1f60c4 c4162a a352cc fade2a 56a64b fa6400 ffa6b0'.split(
    ' ',
  );

/** The settings of one series or column: the panel's defaults with overrides. */
export function configOf(panel: Panel, name: string, refId: string): FieldConfig {
  const config: FieldConfig = structuredClone(panel.fieldConfig?.defaults ?? {});
  for (const { matcher, properties } of panel.fieldConfig?.overrides ?? []) {
    const wanted = matcher.id === 'byName' ? name : refId;
    if (matcher.options !== wanted) continue;
    for (const { id, value } of properties) {
      if (id.startsWith('custom.')) config.custom = { ...config.custom, [id.slice('custom.'.length)]: value };
      else Object.assign(config, { [id]: value });
    }
  }
  return config;
}

/** A displayed value. */
export interface Shown {
  readonly text: string;
  readonly colour: string;
}

/** Formats a value and colours it by its mappings, fixed colour or thresholds. `undefined` is no value. */
export function show(value: number | string | undefined, config: FieldConfig, now: number): Shown {
  const { unit = 'none', decimals, color, thresholds, mappings = [], noValue = 'No data' } = config;
  if (value === undefined) return { text: noValue, colour: colour('text') };
  const mapped = mappings.flatMap(({ type, options }) =>
    type === MappingType.ValueToText && String(value) in options ? [options[String(value)]!] : [],
  )[0];
  if (mapped !== undefined) return { text: mapped.text ?? String(value), colour: colour(mapped.color ?? 'text') };
  if (typeof value === 'string') return { text: value, colour: colour('text') };
  const fixed = color?.mode === FieldColorModeId.Fixed ? color.fixedColor : undefined;
  const reached = thresholds?.steps.findLast((step) => step.value === null || value >= step.value)?.color;
  return { text: format(value, unit, decimals, now), colour: colour(fixed ?? reached ?? 'text') };
}

/** The colour of a series that is coloured by name. */
export function seriesColour(name: string, config: FieldConfig): string {
  if (config.color?.mode === FieldColorModeId.Fixed) return colour(config.color.fixedColor ?? 'text');
  const hash = createHash('sha1').update(name).digest().readUInt32BE();
  return `#${PALETTE[hash % PALETTE.length]}`;
}

export function colour(name: string): string {
  const found = COLOURS[name];
  if (found === undefined) throw new Error(`no colour that boards here use: ${name}`);
  return found;
}
