/** Whether a path equals another path or is below it. */
export function isAtOrBelow(path: string, top: string): boolean {
  return path === top || path.startsWith(`${top}/`);
}

/** The path without its last name: `/a` for `/a/b`, and empty for `/a` and for the root. */
export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

/** The last name of a path: `b` for `/a/b`. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
