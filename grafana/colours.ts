import type { FieldConfig, ThresholdsConfig, ValueMapping } from '@grafana/grafana-foundation-sdk/dashboard';
import { FieldColorModeId, MappingType, ThresholdsMode } from '@grafana/grafana-foundation-sdk/dashboard';

/**
 * Names of Grafana's own palette. Green, orange and red judge; what nobody can call good or bad is blue, and what is
 * not worth a colour is `text`.
 */
export type Colour = 'green' | 'dark-green' | 'orange' | 'red' | 'blue' | 'yellow' | 'purple' | 'text' | 'transparent';

/** From where on a colour holds. */
export type Step = readonly [from: number, colour: Colour];

/** One colour below the first step. */
export function thresholds(base: Colour, ...steps: readonly Step[]): ThresholdsConfig {
  // The schema says that the lowest step has no value.
  return {
    mode: ThresholdsMode.Absolute,
    steps: [{ value: null, color: base }, ...steps.map(([value, color]) => ({ value, color }))],
  };
}

/** A number of things that should not be there. */
export const NONE_IS_GOOD_FEW_ARE_BAD = thresholds('green', [1, 'red']);

/** A number of things to look at. */
export const NONE_IS_GOOD_FEW_ARE_NOT = thresholds('green', [1, 'orange']);

/** The part of a limit that is used: orange where it gets tight, red from where the alert fires. */
export const USE_OF_LIMIT = thresholds('green', [0.8, 'orange'], [0.9, 'red']);

/** Time lost to a shortage: orange from where the alert fires. */
export const PRESSURE = thresholds('green', [0.1, 'orange'], [0.4, 'red']);

/** What is shown for values. */
export function values(texts: Readonly<Record<string, readonly [text: string, colour: Colour]>>): ValueMapping[] {
  const entries = Object.entries(texts).map(
    ([value, [text, color]], index) => [value, { text, color, index }] as const,
  );
  return [{ type: MappingType.ValueToText, options: Object.fromEntries(entries) }];
}

/** A colour whatever the value is. */
export function fixed(colour: Colour): NonNullable<FieldConfig['color']> {
  return { mode: FieldColorModeId.Fixed, fixedColor: colour };
}

/** Series keep their colour from panel to panel, since it goes by the name. */
export const BY_NAME: NonNullable<FieldConfig['color']> = { mode: FieldColorModeId.PaletteClassicByName };

/** The colour is what the thresholds say. */
export const BY_THRESHOLDS: NonNullable<FieldConfig['color']> = { mode: FieldColorModeId.Thresholds };
