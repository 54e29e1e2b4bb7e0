import { randomBytes } from 'node:crypto';
import { type FileHandle, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { Document, isCollection, isMap, isPair, isScalar, isSeq, parseDocument, Scalar, type ToStringOptions } from 'yaml';
import { FerruleError, messageOf } from '../errors.js';
import { deleteLines, insertLines } from './lines.js';
import { type ConfigPath, formatPath } from './source.js';

export type ConfigEdit =
  /** `isCompact`: the items of the value's lists, and mappings without lists, take one line each. */
  { op: 'set'; path: ConfigPath; value: unknown; isCompact?: boolean } | { op: 'delete'; path: ConfigPath };

/**
 * Applies edits to the text of a configuration. Comments, order and layout survive; a scalar is replaced where it stands,
 * what is added or deleted as whole lines is, so that nothing else of the text changes. Throws a FerruleError where a path leads through
 * something that is no mapping or list, or what is left would refer to what is deleted.
 */
export function editText(text: string, edits: readonly ConfigEdit[]): string {
  return edits.reduce((current, edit) => replaceScalar(current, edit) ?? editLines(current, edit) ?? editDocument(current, edit), text);
}

/** null: this edit is more than whole lines. */
function editLines(text: string, edit: ConfigEdit): string | null {
  const document = parse(text);
  if (edit.op === 'delete') return deleteLines(text, document, edit.path);
  return insertLines(text, document, edit.path, edit.value, (value, at) => {
    const lines = new Document(value);
    if (edit.isCompact === true) compact(lines.getIn(at, true));
    return lines.toString(layoutOf(text));
  });
}

/** null: this edit is more than another scalar in the place of one. */
function replaceScalar(text: string, edit: ConfigEdit): string | null {
  if (edit.op !== 'set' || !isPlain(edit.value)) return null;
  const document = parse(text);
  const node = document.getIn(edit.path, true);
  if (!isScalar(node) || !node.range || node.range[0] === node.range[1] || text.slice(node.range[0], node.range[1]).includes('\n'))
    return null;
  const written = new Scalar(edit.value);
  if (typeof edit.value === 'string' && (node.type === 'QUOTE_DOUBLE' || node.type === 'QUOTE_SINGLE')) written.type = node.type;
  const shown = documentOf([written]).toString({ lineWidth: 0, flowCollectionPadding: false }).trim().slice(1, -1);
  const edited = text.slice(0, node.range[0]) + shown + text.slice(node.range[1]);
  const check = parseDocument(edited, { stringKeys: true });
  return check.errors.length === 0 && isDeepStrictEqual(check.getIn(edit.path), edit.value) ? edited : null;
}

function editDocument(text: string, edit: ConfigEdit): string {
  const document = parse(text);
  try {
    if (edit.op === 'delete') document.deleteIn(edit.path);
    else {
      openParents(document, edit.path);
      const parent: unknown = document.getIn(edit.path.slice(0, -1), true);
      // `devices: []` was to say that there are none, not how they are written.
      if (isSeq(parent) && parent.items.length === 0) parent.flow = false;
      const node = document.createNode(edit.value);
      if (edit.isCompact === true) compact(node);
      document.setIn(edit.path, node);
    }
    return document.toString(layoutOf(text));
  } catch (error) {
    throw new FerruleError(
      'FER_CONFIG_WRITE',
      `${formatPath(edit.path)} can't be ${edit.op === 'set' ? 'set' : 'deleted'}: ${messageOf(error)}.`,
      {
        hint: 'Edit the file by hand.',
      },
    );
  }
}

/** As the rest of the text is written. */
function layoutOf(text: string): ToStringOptions {
  return {
    lineWidth: 0,
    flowCollectionPadding: /[{[] /.test(text),
    indentSeq: !/^(\s*)[^\s#-][^\n]*:[ \t]*\n\1- /m.test(text),
  };
}

function compact(node: unknown): void {
  if (isCollection(node)) for (const item of node.items) shorten(isPair(item) ? item.value : item);
}

/** A list keeps a line for each of its items, and what has a list of mappings in it one for each key; everything else becomes one line. */
function shorten(node: unknown): void {
  if (isSeq(node)) node.items.forEach(shorten);
  else if (isMap(node) && node.items.some(({ value }) => isSeq(value) && value.items.some(isCollection))) compact(node);
  else if (isCollection(node)) node.flow = true;
}

/** A section that stands there empty (`broker:`) becomes a mapping, so that keys can be set in it. */
function openParents(document: Document, path: ConfigPath): void {
  for (const [depth, next] of path.entries()) {
    const here = path.slice(0, depth);
    const parent: unknown = depth === 0 ? document.contents : document.getIn(here, true);
    if (parent === undefined || parent === null) return;
    if (isScalar(parent) && parent.value === null && depth > 0)
      document.setIn(here, document.createNode(typeof next === 'number' ? [] : {}));
    else if (!isCollection(parent)) throw new Error(`${formatPath(here)} is neither a mapping nor a list`);
    else if (isSeq(parent) && (typeof next !== 'number' || next > parent.items.length))
      throw new Error(`the list has ${parent.items.length} items`);
  }
}

function parse(text: string): Document {
  const document = parseDocument(text, { stringKeys: true });
  const [error] = document.errors;
  if (error !== undefined)
    throw new FerruleError('FER_CONFIG_WRITE', `The configuration is not correct YAML: ${error.message}`, { hint: 'Correct it first.' });
  return document;
}

function documentOf(items: Scalar[]): Document {
  const document = parseDocument('[]');
  (document.contents as unknown as { items: Scalar[] }).items = items;
  return document;
}

function isPlain(value: unknown): value is string | number | boolean {
  return (typeof value === 'string' && !value.includes('\n')) || typeof value === 'number' || typeof value === 'boolean';
}

/**
 * Replaces a file so that a crash or a power cut leaves either the old content or the new one. Mode and owner stay; a
 * new file gets `mode` (default 0640). A symbolic link stays one.
 */
export async function writeFileAtomically(file: string, content: string, mode = 0o640): Promise<void> {
  const target = await realpath(file).catch(() => file);
  const before = await stat(target).catch(() => null);
  const temporary = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    const handle = await open(temporary, 'wx', 0o600);
    try {
      await handle.writeFile(content);
      if (before !== null) await keepOwner(handle, before);
      await handle.chmod(before === null ? mode : before.mode & 0o7777);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, target);
    await syncDirectory(dirname(target));
  } catch (error) {
    await rm(temporary, { force: true });
    throw new FerruleError('FER_CONFIG_WRITE', `The file can't be written: ${messageOf(error)}.`, {
      where: { file: target },
      hint: 'Check the permissions of its folder and the space on the disk.',
      cause: error,
    });
  }
}

/** Only root can give a file away; for others the file becomes theirs. */
async function keepOwner(handle: FileHandle, before: { uid: number; gid: number }): Promise<void> {
  const now = await handle.stat();
  if (now.uid === before.uid && now.gid === before.gid) return;
  await handle.chown(before.uid, before.gid).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPERM') throw error;
  });
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
