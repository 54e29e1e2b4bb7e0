/** Which lines of a text become which: from the first that differs to the last. */
export interface LinesChanged {
  /** The first of them, 1-based. */
  line: number;
  removed: string[];
  added: string[];
}

export function linesChanged(before: string, after: string): LinesChanged {
  const [old, now] = [linesOf(before), linesOf(after)];
  const most = Math.min(old.length, now.length);
  let first = 0;
  while (first < most && old[first] === now[first]) first++;
  let last = 0;
  while (last < most - first && old[old.length - 1 - last] === now[now.length - 1 - last]) last++;
  return { line: first + 1, removed: old.slice(first, old.length - last), added: now.slice(first, now.length - last) };
}

function linesOf(text: string): string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}
