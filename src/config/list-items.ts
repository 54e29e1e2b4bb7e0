import { type Document, isMap, isScalar, type YAMLSeq } from 'yaml';
import { endOf, lineEnd, lineStart, nodeAt, pairOf, startOf } from './line-places.js';
import type { ConfigPath } from './source.js';

/**
 * The text without an item of a block list: its lines with the comments among them, and the comment above where that is of
 * this item alone. A list that loses its only item is written `[]`. null: this is more than whole lines.
 */
export function deleteItem(text: string, document: Document, path: ConfigPath, list: YAMLSeq, index: number): string | null {
  const item = list.items[index];
  const [start, last] = [startOf(item), endOf(item)];
  if (list.flow === true || start === null || last === null) return null;
  const first = lineStart(text, start);
  const dash = /^( *)- +(?:[&!]\S+ +)*$/.exec(text.slice(first, start));
  if (dash === null) return null;
  const column = dash[1]?.length ?? 0;
  const end = behindComments(text, lineEnd(text, last), column);
  if (list.items.length === 1) return withoutItems(text, document, path, first, end);
  const isLast = index === list.items.length - 1;
  // Above an item without a comment of its own it may be a heading of both.
  const isAlone = isLast || !/^ *-/.test(lineAt(text, end));
  return text.slice(0, isAlone ? aboveComments(text, first, column) : first) + text.slice(end);
}

/** Puts `[]` behind the key of a list whose only item stands from `first` to `end`. */
function withoutItems(text: string, document: Document, path: ConfigPath, first: number, end: number): string | null {
  const owner = nodeAt(document, path.slice(0, -1));
  const key = path.at(-1);
  const pair = isMap(owner) && key !== undefined ? pairOf(owner, key) : null;
  const keyEnd = isScalar(pair?.key) ? pair.key.range?.[1] : undefined;
  if (keyEnd === undefined) return null;
  const colon = text.indexOf(':', keyEnd) + 1;
  if (!/^\s*(#|$)/.test(text.slice(colon, lineEnd(text, colon)))) return null;
  return `${text.slice(0, colon)} []${text.slice(colon, first)}${text.slice(end)}`;
}

/** Behind the comments that stand deeper than the dash: they are of the item. */
function behindComments(text: string, from: number, column: number): number {
  let end = from;
  for (let at = from; at < text.length; ) {
    const line = lineAt(text, at);
    const comment = /^( *)#/.exec(line);
    if (comment === null ? line.trim() !== '' : (comment[1]?.length ?? 0) <= column) break;
    at += line.length;
    if (comment !== null) end = at;
  }
  return end;
}

/** Where the comment begins that stands directly above, under no other item. */
function aboveComments(text: string, from: number, column: number): number {
  let top = from;
  while (top > 0) {
    const above = lineStart(text, top - 1);
    const comment = /^( *)#/.exec(text.slice(above, top));
    if (comment === null || comment[1]?.length !== column) break;
    top = above;
  }
  return top;
}

/** With its line end. `offset` is the start of it. */
function lineAt(text: string, offset: number): string {
  const end = text.indexOf('\n', offset);
  return text.slice(offset, end === -1 ? text.length : end + 1);
}
