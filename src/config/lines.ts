import { isDeepStrictEqual } from 'node:util';
import { type Document, isCollection, isMap, isScalar, isSeq, type Pair, parseDocument } from 'yaml';
import { columnOf, endOf, lineEnd, lineStart, nodeAt, pairOf, startOf } from './line-places.js';
import { deleteItem } from './list-items.js';
import type { ConfigPath } from './source.js';

/**
 * Edits that add or remove whole lines of a block mapping or list, so that no other line of a text that people keep by hand
 * changes. null: this edit is more than that. What comes out is read again, so that it is what was meant or nothing.
 */

/** How a mapping with one key, or a list with one item, is written, as lines. `at`: where in it the value of the edit stands. */
export type Render = (value: unknown, at: ConfigPath) => string;

/** Sets what is not there yet. */
export function insertLines(text: string, document: Document, path: ConfigPath, value: unknown, render: Render): string | null {
  const depth = deepestBlock(document, path);
  if (depth === null) return null;
  const owner = nodeAt(document, path.slice(0, depth));
  const key = path[depth];
  const inner = wrapped(path.slice(depth + 1), value);
  const at = path.slice(depth).map((each) => (typeof each === 'number' ? 0 : each));
  let edited: string | null = null;
  if (isSeq(owner) && key === owner.items.length) {
    const column = columnOf(text, owner.range?.[0]);
    const end = endOf(owner.items.at(-1));
    if (column !== null && end !== null) edited = insertAfterLine(text, end, render([inner], at), column);
  } else if (isMap(owner) && key !== undefined) {
    const column = columnOf(text, owner.range?.[0]);
    const pair = pairOf(owner, key);
    const lines = render({ [key]: inner }, at);
    if (column !== null && pair === null) {
      const end = endOf(owner.items.at(-1));
      if (end !== null) edited = insertAfterLine(text, end, lines, column);
    } else if (column !== null && pair !== null) {
      edited = fill(text, pair, lines, column);
    }
  }
  if (edited === null) return null;
  const expected = document.clone();
  expected.setIn(path.slice(0, depth + 1), expected.createNode(inner));
  return isWhat(edited, expected) ? edited : null;
}

/** Deletes a key of a block mapping, or an item of a block list. */
export function deleteLines(text: string, document: Document, path: ConfigPath): string | null {
  const owner = nodeAt(document, path.slice(0, -1));
  const key = path.at(-1);
  if (isSeq(owner) && typeof key === 'number') {
    const edited = deleteItem(text, document, path.slice(0, -1), owner, key);
    const expected = document.clone();
    expected.deleteIn(path);
    return edited !== null && isWhat(edited, expected) ? edited : null;
  }
  if (!isMap(owner) || owner.flow === true || key === undefined || owner.items.length < 2) return null;
  const pair = pairOf(owner, key);
  const start = startOf(pair);
  const end = endOf(pair);
  // The first key of a list's item stands behind its dash.
  if (start === null || end === null || columnOf(text, start) === null) return null;
  const edited = text.slice(0, lineStart(text, start)) + text.slice(lineEnd(text, end));
  const expected = document.clone();
  expected.deleteIn(path);
  return isWhat(edited, expected) ? edited : null;
}

/** How far a path leads through block collections that are not empty; null: not even the document is one. */
function deepestBlock(document: Document, path: ConfigPath): number | null {
  for (let depth = path.length - 1; depth >= 0; depth--) {
    const node = nodeAt(document, path.slice(0, depth));
    if (isCollection(node) && node.items.length > 0) return node.flow === true ? null : depth;
    const isNothing = node === undefined || node === null || (isScalar(node) && node.value === null) || isCollection(node);
    if (!isNothing) return null;
  }
  return null;
}

function wrapped(path: ConfigPath, value: unknown): unknown {
  return path.reduceRight<unknown>((inner, key) => (typeof key === 'number' ? [inner] : { [key]: inner }), value);
}

/** Puts the lines under a key that has nothing (`devices:`) or an empty list (`devices: []`). */
function fill(text: string, pair: Pair, lines: string, column: number): string | null {
  const { value } = pair;
  const keyEnd = isScalar(pair.key) ? pair.key.range?.[1] : undefined;
  if (keyEnd === undefined) return null;
  const body = lines.slice(lines.indexOf('\n') + 1);
  const colon = text.indexOf(':', keyEnd) + 1;
  if (isCollection(value) && value.items.length === 0 && value.range) {
    const [start, end] = value.range;
    if (text.slice(colon, start).trim() !== '') return null;
    return insertAfterLine(text.slice(0, colon) + text.slice(end), colon, body, column);
  }
  return value === null || (isScalar(value) && value.source === '') ? insertAfterLine(text, colon, body, column) : null;
}

function insertAfterLine(text: string, offset: number, lines: string, column: number): string {
  const end = lineEnd(text, offset);
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  const shifted = lines
    .trimEnd()
    .split('\n')
    .map((line) => `${' '.repeat(column)}${line}${eol}`)
    .join('');
  const before = text.slice(0, end);
  return `${before}${before === '' || before.endsWith('\n') ? '' : eol}${shifted}${text.slice(end)}`;
}

function isWhat(text: string, expected: Document): boolean {
  const document = parseDocument(text, { stringKeys: true });
  try {
    return document.errors.length === 0 && isDeepStrictEqual(document.toJS(), expected.toJS());
  } catch (error) {
    // What is left refers to an anchor of what was deleted.
    if (error instanceof ReferenceError) return false;
    throw error;
  }
}
