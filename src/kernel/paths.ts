/** Whether a path is another one, or below it. */
export function isAtOrBelow(path: string, top: string): boolean {
  return path === top || path.startsWith(`${top}/`);
}

/** The path without its last name; empty for a path of one name. */
export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}
