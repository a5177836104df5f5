/** The questions about a path. */
export type Question =
  /** Owner and permissions of the file at the path. Does not follow a link. */
  | { readonly look: 'owner'; readonly path: string }
  /** The identity of the file that the path leads to. */
  | { readonly look: 'identity'; readonly path: string }
  /** The block devices in a directory and in the directories right below it, except those in `skip`. */
  | { readonly look: 'blockDevices'; readonly path: string; readonly skip: readonly string[] }
  /** Whether a link in a directory such as `fd` leads to one of `targets`. */
  | { readonly look: 'linkTo'; readonly path: string; readonly targets: readonly string[] }
  /** The links in a directory whose names end in `suffix`, at most `most` of them, unless the directory has this version. */
  | {
      readonly look: 'links';
      readonly path: string;
      readonly suffix: string;
      readonly most: number;
      readonly unlessVersion: string;
    }
  /** The first `most` bytes of a file. */
  | { readonly look: 'text'; readonly path: string; readonly most: number }
  /** The path without links, of what the path leads to. */
  | { readonly look: 'realPath'; readonly path: string }
  /**
   * The disk space of all files in a directory, of which only a part is counted in one question. `more`: continue the count of the
   * question before, which was about this directory too.
   */
  | { readonly look: 'tree'; readonly path: string; readonly more: boolean }
  /** Whether this process may read and write what the path leads to. */
  | { readonly look: 'access'; readonly path: string };

/** A question with the number that its reply carries. */
export type Request = Question & { readonly id: number };

/** The answer to each kind of question. */
export interface Answers {
  readonly owner: { readonly uid: number; readonly gid: number; readonly mode: number };
  /** As from `stat`. 64-bit numbers do not fit a JavaScript number, so they are decimal text. */
  readonly identity: { readonly dev: string; readonly ino: string };
  /** `complete`: all directories were listed completely. */
  readonly blockDevices: { readonly names: readonly string[]; readonly complete: boolean };
  /** `too many`: none among the first 10,000, and there are more. */
  readonly linkTo: 'yes' | 'no' | 'too many';
  /** `version` changes with the directory; empty if it has just changed, because another change may not change it. */
  readonly links:
    | 'unchanged'
    | {
        readonly links: readonly (readonly [name: string, target: string])[];
        readonly complete: boolean;
        readonly version: string;
      };
  readonly text: string;
  readonly realPath: string;
  readonly tree: TreeCount;
  readonly access: true;
}

/** How far the count of a tree is, and the size of the file system that the tree is on. */
export interface TreeCount {
  /** `more`: ask again. Everything else ends the count. */
  readonly state: 'more' | 'complete' | TreeLimit;
  /** The disk space so far. */
  readonly bytes: number;
  /** In bytes, as `statfs` says: of a directory with a project quota on XFS, the quota. */
  readonly fileSystem: { readonly size: number; readonly available: number };
}

/** Why a count is incomplete. `unreadable`: a directory in the tree cannot be opened. */
export type TreeLimit = 'unreadable' | 'too_many_files' | 'too_deep' | 'too_slow';

/** A reply: a value or the code of a system error. */
export type Reply =
  | { readonly id: number; readonly value: Answers[keyof Answers] }
  | { readonly id: number; readonly code: string };

/** The result of a question. */
export type Outcome<Value> =
  | { readonly kind: 'value'; readonly value: Value }
  /** The system error's code: `ENOENT`, `EACCES`, … */
  | { readonly kind: 'error'; readonly code: string }
  /** The look-up hangs, or could not be made. */
  | { readonly kind: 'unanswered' };
