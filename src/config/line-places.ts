import { type Document, isCollection, isPair, isScalar, type Pair, type YAMLMap } from 'yaml';
import type { ConfigPath } from './source.js';

/** Where the parts of a YAML text begin and end, and the lines that they are on. */

export function nodeAt(document: Document, path: ConfigPath): unknown {
  return path.length === 0 ? document.contents : document.getIn(path, true);
}

export function pairOf(map: YAMLMap, key: string | number): Pair | null {
  return map.items.find((pair) => isScalar(pair.key) && pair.key.value === key) ?? null;
}

export function startOf(node: unknown): number | null {
  if (isPair(node)) return startOf(node.key);
  return (isScalar(node) || isCollection(node)) && node.range ? node.range[0] : null;
}

/** Behind the last character that belongs to it. */
export function endOf(node: unknown): number | null {
  if (isPair(node)) {
    const key = isScalar(node.key) ? (node.key.range?.[1] ?? null) : null;
    return node.value === null || (isScalar(node.value) && node.value.source === '') ? key : endOf(node.value);
  }
  if (isCollection(node) && node.flow !== true) return node.items.length === 0 ? null : endOf(node.items.at(-1));
  return (isScalar(node) || isCollection(node)) && node.range ? node.range[1] : null;
}

/** Of what stands first in its line, apart from blanks and a dash where it is the first key of an item; null: it does not. */
export function columnOf(text: string, offset: number | undefined): number | null {
  if (offset === undefined) return null;
  const before = text.slice(lineStart(text, offset), offset);
  return /^ *$/.test(before) ? before.length : null;
}

export function lineStart(text: string, offset: number): number {
  return text.lastIndexOf('\n', offset - 1) + 1;
}

/** Behind the line end. A block scalar ends with one. */
export function lineEnd(text: string, offset: number): number {
  if (offset > 0 && text[offset - 1] === '\n') return offset;
  const end = text.indexOf('\n', offset);
  return end === -1 ? text.length : end + 1;
}
