import { isAlias, isCollection, isMap, isPair, isScalar, isSeq, type LineCounter, type Node, Scalar } from 'yaml';

/** 1-based. */
export interface Position {
  line: number;
  column: number;
}

export function positionAt(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

/** The start of the value at a path of a document; of its nearest ancestor where it is not there. */
export function offsetOfValue(root: Node | null, path: readonly (string | number)[]): number {
  return nodeAt(root, path)?.range?.[0] ?? 0;
}

/** The start of a key in the object at a path; of the object where the key is not there. */
export function offsetOfKey(root: Node | null, path: readonly (string | number)[], key: string): number {
  const object = nodeAt(root, path);
  if (isMap(object)) {
    for (const pair of object.items) {
      if (isPair(pair) && isScalar(pair.key) && String(pair.key.value) === key) return pair.key.range?.[0] ?? object.range?.[0] ?? 0;
    }
  }
  return object?.range?.[0] ?? 0;
}

/** The node at a path; its nearest ancestor where there is none (below an alias, for instance). */
export function nodeAt(root: Node | null, path: readonly (string | number)[]): Node | null {
  let node = root;
  for (const key of path) {
    if (!isCollection(node) || isAlias(node)) return node;
    const next: unknown = isSeq(node) ? node.items[Number(key)] : node.get(key, true);
    if (typeof next !== 'object' || next === null) return node;
    node = next as Node;
  }
  return node;
}

/**
 * Where a character of a scalar's value stands in the file. The value differs from its source by quotes, escapes,
 * folded lines and indentation; it is followed along its source, character by character. Exact for every character
 * that is not white space.
 */
export function offsetInScalar(source: string, scalar: Scalar, index: number): number {
  const range = scalar.range;
  if (range === null || range === undefined) return 0;
  let at = range[0];
  const end = range[1];
  if (typeof scalar.value !== 'string') return at;
  const value = scalar.value;
  const { type } = scalar;
  if (type === Scalar.QUOTE_DOUBLE || type === Scalar.QUOTE_SINGLE) at++;
  // The header of a block (`|`, `>-`) reaches to the end of its line.
  else if (type === Scalar.BLOCK_LITERAL || type === Scalar.BLOCK_FOLDED) at = source.indexOf('\n', at) + 1;
  const blank = (character: string | undefined): boolean =>
    character === ' ' || character === '\t' || character === '\n' || character === '\r';
  const skipBlanks = (): void => {
    for (;;) {
      while (at < end && blank(source[at])) at++;
      // A backslash at the end of a line only joins lines.
      if (type !== Scalar.QUOTE_DOUBLE || !/^\\\r?\n/.test(source.slice(at, at + 3))) return;
      at++;
    }
  };
  for (let position = 0; position < Math.min(index, value.length); position++) {
    const character = value[position];
    if (!blank(character)) skipBlanks();
    if (type === Scalar.QUOTE_DOUBLE && source[at] === '\\') {
      at += escapeLength(source[at + 1]);
      // An astral character is two units of the value and one escape.
      if (/[\ud800-\udbff]/.test(character ?? '')) position++;
      continue;
    }
    if (type === Scalar.QUOTE_SINGLE && character === "'") at += 2;
    else if (source[at] === character) at++;
    else if (!blank(character)) at++;
  }
  if (index < value.length && !blank(value[index])) skipBlanks();
  return Math.min(at, end);
}

function escapeLength(kind: string | undefined): number {
  switch (kind) {
    case 'x':
      return 4;
    case 'u':
      return 6;
    case 'U':
      return 10;
    default:
      return 2;
  }
}
