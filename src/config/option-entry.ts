/** An option: what its flag, its environment variable, the help and the documentation need. */
export interface OptionEntry<T> {
  /** The name of the flag, without the dashes. */
  readonly flag: string;
  readonly group: OptionGroup | 'Output';
  /** The placeholder for the value in the help. */
  readonly placeholder: string;
  readonly help: string;
  /** As a user would write them; an empty one is none. Only a `repeatable` option has several. */
  readonly defaults: readonly [string, ...string[]];
  /** The end of the error message "expected …". */
  readonly expected: string;
  /** All values, if there are only these. */
  readonly words?: readonly string[];
  readonly repeatable?: true;
  /** The meaning of an empty value. Without this field an empty flag is an error, and an empty variable counts as unset. */
  readonly empty?: string;
  /** Has no environment variable, because it concerns a single run and not the machine. */
  readonly commandLineOnly?: true;
  /** Returns `undefined` if the text is invalid. */
  parse(text: string): T | undefined;
}

/** The headings of the help, in order. */
export const OPTION_GROUPS = [
  'Web',
  'Paths',
  'Engines',
  'Discovery',
  'Findings',
  'OOM kills',
  'Log',
  'Collectors',
] as const;
export type OptionGroup = (typeof OPTION_GROUPS)[number];

/** What the help needs to know about a collector. */
export interface CollectorEntry {
  readonly name: string;
  readonly help: string;
  /** The collector runs only if it is enabled by name. */
  readonly offByDefault?: true;
}

/** Type-checks an option and keeps the type of its value. */
export function entry<T>(option: OptionEntry<T>): OptionEntry<T> {
  return option;
}

/** An option whose value is one of these words. */
export function choice<Word extends string>(
  words: readonly Word[],
  option: Omit<OptionEntry<Word>, 'expected' | 'words' | 'parse'>,
): OptionEntry<Word> {
  return { ...option, expected: listOf(words), words, parse: (text) => words.find((word) => word === text) };
}

/** Joins words to `one, two or three`. */
export function listOf(words: readonly string[]): string {
  return `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}
