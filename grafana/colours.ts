import type { FieldConfig, ThresholdsConfig, ValueMapping } from '@grafana/grafana-foundation-sdk/dashboard';
import { FieldColorModeId, MappingType, ThresholdsMode } from '@grafana/grafana-foundation-sdk/dashboard';

/**
 * Colours of Grafana's palette. Green, orange and red are a judgement; neutral values are blue, and unimportant ones `text`.
 */
export type Colour = 'green' | 'dark-green' | 'orange' | 'red' | 'blue' | 'yellow' | 'purple' | 'text' | 'transparent';

/** The value from which a colour applies. */
export type Step = readonly [from: number, colour: Colour];

/** One colour below the first step. */
export function thresholds(base: Colour, ...steps: readonly Step[]): ThresholdsConfig {
  // The schema requires that the lowest step has no value.
  return {
    mode: ThresholdsMode.Absolute,
    steps: [{ value: null, color: base }, ...steps.map(([value, color]) => ({ value, color }))],
  };
}

/** A number of things that should not be there. */
export const NONE_IS_GOOD_FEW_ARE_BAD = thresholds('green', [1, 'red']);

/** A number of things to look at. */
export const NONE_IS_GOOD_FEW_ARE_NOT = thresholds('green', [1, 'orange']);

/** The used share of a limit: orange near the limit, red where the alert fires. */
export const USE_OF_LIMIT = thresholds('green', [0.8, 'orange'], [0.9, 'red']);

/** Time lost to a shortage: orange where the alert fires. */
export const PRESSURE = thresholds('green', [0.1, 'orange'], [0.4, 'red']);

/** Texts for values. */
export function values(texts: Readonly<Record<string, readonly [text: string, colour: Colour]>>): ValueMapping[] {
  const entries = Object.entries(texts).map(
    ([value, [text, color]], index) => [value, { text, color, index }] as const,
  );
  return [{ type: MappingType.ValueToText, options: Object.fromEntries(entries) }];
}

/** A fixed colour. */
export function fixed(colour: Colour): NonNullable<FieldConfig['color']> {
  return { mode: FieldColorModeId.Fixed, fixedColor: colour };
}

/** Colours series by name, so that they keep their colour across panels. */
export const BY_NAME: NonNullable<FieldConfig['color']> = { mode: FieldColorModeId.PaletteClassicByName };

/** Colours by the thresholds. */
export const BY_THRESHOLDS: NonNullable<FieldConfig['color']> = { mode: FieldColorModeId.Thresholds };
