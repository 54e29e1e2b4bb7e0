import { open } from 'node:fs/promises';
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type ParsedNode,
  parseDocument,
  type YAMLError,
} from 'yaml';
import { type ErrorCode, FerruleError, messageOf } from '../errors.js';

/** Keys and indexes from the root of the document. */
export type ConfigPath = (string | number)[];

/** What is wrong at one place of the document; the source turns it into a FerruleError with line and column. */
export interface Finding {
  path: ConfigPath;
  message: string;
  hint?: string;
  code?: ErrorCode;
  /** Point at the key rather than at its value. */
  atKey?: boolean;
}

/** A file of 10 000 tags has about 1 MB. */
export const MAX_CONFIG_BYTES = 8 * 1024 * 1024;
/** Values after aliases were followed. */
const MAX_VALUES = 1_000_000;
const MAX_ALIASES = 1000;

/** A configuration's text with its YAML document, and the way from a path back to line and column. */
export class ConfigSource {
  readonly file: string;
  readonly text: string;
  readonly document: Document.Parsed<ParsedNode>;
  readonly #lines = new LineCounter();

  constructor(file: string, text: string) {
    this.file = file;
    this.text = text;
    this.document = parseDocument(text, { lineCounter: this.#lines, stringKeys: true, prettyErrors: false });
  }

  /** Faults of the YAML itself. */
  syntaxErrors(): FerruleError[] {
    return this.document.errors.map((error) => this.#syntaxError(error));
  }

  /** What YAML accepts but a person should know: unknown tags and directives. */
  syntaxWarnings(): FerruleError[] {
    return this.document.warnings.map((error) => this.#syntaxError(error));
  }

  /** The plain value of the document; an empty document is an empty mapping. Throws a FerruleError. */
  toValue(): unknown {
    let value: unknown;
    try {
      value = this.document.toJS({ maxAliasCount: MAX_ALIASES });
    } catch (error) {
      if (!(error instanceof ReferenceError)) throw error;
      throw this.#aliasError(error);
    }
    if (countValues(value, MAX_VALUES) > MAX_VALUES) {
      throw new FerruleError('FER_CONFIG_LIMIT', `The file has more than ${MAX_VALUES} values once its aliases are followed.`, {
        where: { file: this.file },
        hint: 'Remove aliases that repeat large parts.',
      });
    }
    return value === null ? {} : value;
  }

  error(finding: Finding): FerruleError {
    const where = {
      ...this.place(finding.path, finding.atKey),
      ...(finding.path.length === 0 ? {} : { subject: formatPath(finding.path) }),
    };
    return new FerruleError(finding.code ?? 'FER_CONFIG_VALUE', finding.message, {
      where,
      ...(finding.hint === undefined ? {} : { hint: finding.hint }),
    });
  }

  /** Where a path stands; where the document lacks it (a default), the deepest part of it that is there. */
  place(path: ConfigPath, atKey = false): { file: string; line?: number; column?: number } {
    let node: Node | null = this.document.contents;
    let offset = node?.range?.[0];
    for (const [depth, part] of path.entries()) {
      const container: Node | null = isAlias(node) ? (node.resolve(this.document) ?? null) : node;
      if (isMap(container)) {
        const pair = container.items.find((item) => isScalar(item.key) && String(item.key.value) === String(part));
        if (pair === undefined) break;
        const key = pair.key as Node;
        node = (pair.value as Node | null) ?? null;
        const isLast = depth === path.length - 1;
        offset = node === null || isEmpty(node) || (isLast && atKey) ? key.range?.[0] : node.range?.[0];
      } else if (isSeq(container)) {
        const item: unknown = container.items[Number(part)];
        if (item === undefined) break;
        node = item as Node;
        offset = node.range?.[0] ?? offset;
      } else break;
    }
    return this.#at(offset);
  }

  #at(offset: number | undefined): { file: string; line?: number; column?: number } {
    if (offset === undefined) return { file: this.file };
    const { line, col } = this.#lines.linePos(offset);
    return { file: this.file, line: Math.max(1, line), column: Math.max(1, col) };
  }

  #syntaxError(error: YAMLError): FerruleError {
    const hint = SYNTAX_HINTS[error.code];
    return new FerruleError('FER_CONFIG_SYNTAX', `${SYNTAX_MESSAGES[error.code] ?? error.message}.`, {
      where: this.#at(error.pos[0]),
      ...(hint === undefined ? {} : { hint }),
    });
  }

  #aliasError(error: ReferenceError): FerruleError {
    const name = /before the alias\): (.*)$/.exec(error.message)?.[1];
    if (name === undefined) {
      return new FerruleError('FER_CONFIG_LIMIT', `An anchor is used more than ${MAX_ALIASES} times, directly or through others.`, {
        where: { file: this.file },
        hint: 'Write the repeated part out, or repeat less of it.',
      });
    }
    const match = new RegExp(`\\*${name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}(?![^\\s,\\]}])`).exec(this.text);
    return new FerruleError('FER_CONFIG_SYNTAX', `The alias *${name} has no anchor &${name} before it.`, {
      where: this.#at(match?.index),
      hint: `Set the anchor first, or put the text into quotes: "*${name}".`,
    });
  }
}

/** Clearer than the parser's own words, for those who do not know YAML by heart. */
const SYNTAX_MESSAGES: Partial<Record<string, string>> = {
  DUPLICATE_KEY: 'This key stands here twice',
  MULTIPLE_DOCS: 'The file holds more than one YAML document',
  NON_STRING_KEY: 'A key must be plain text',
  BLOCK_AS_IMPLICIT_KEY: 'Two keys on one line',
  RESOURCE_EXHAUSTION: 'The file is nested too deeply',
};

const SYNTAX_HINTS: Partial<Record<string, string>> = {
  DUPLICATE_KEY: 'Keep one of them.',
  TAB_AS_INDENT: 'Indent with spaces.',
  MULTIPLE_DOCS: 'Remove the line with ---.',
  NON_STRING_KEY: 'Put text with brackets or braces into quotes.',
  BLOCK_AS_IMPLICIT_KEY: 'Put a value that holds ": " into quotes, or the second key on its own line.',
  BAD_SCALAR_START: 'Put the value into quotes.',
  BAD_DQ_ESCAPE: 'Double the backslash, or use single quotes.',
};

/** Text of a file, bounded; throws a FerruleError that says what is wrong with it. */
export async function readConfigText(file: string): Promise<string> {
  let bytes: Buffer;
  try {
    bytes = await readBounded(file);
  } catch (error) {
    if (error instanceof FerruleError) throw error;
    throw readError(file, error);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new FerruleError('FER_CONFIG_READ', 'The file is not UTF-8 text.', {
      where: { file, line: lineOfBadByte(bytes) },
      hint: 'Save it as UTF-8.',
    });
  }
}

async function readBounded(file: string): Promise<Buffer> {
  const handle = await open(file, 'r');
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) {
      throw new FerruleError('FER_CONFIG_READ', stat.isDirectory() ? 'This is a directory, not a file.' : 'This is not a regular file.', {
        where: { file },
        hint: stat.isDirectory() ? 'Name the file inside it, such as ferrule.yaml.' : 'Name a regular file.',
      });
    }
    if (stat.size > MAX_CONFIG_BYTES) {
      throw new FerruleError('FER_CONFIG_LIMIT', `The file has ${stat.size} bytes; at most ${MAX_CONFIG_BYTES} are read.`, {
        where: { file },
        hint: 'Move long lists of tags into CSV files (tags_file).',
      });
    }
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

function readError(file: string, error: unknown): FerruleError {
  const code = (error as NodeJS.ErrnoException).code;
  const details = { where: { file }, cause: error };
  switch (code) {
    case 'ENOENT':
      return new FerruleError('FER_CONFIG_READ', 'There is no such file.', {
        ...details,
        hint: 'Check the path, or make one from ferrule.example.yaml.',
      });
    case 'EACCES':
    case 'EPERM':
      return new FerruleError('FER_CONFIG_READ', 'The file may not be read.', {
        ...details,
        hint: 'Give the user that runs ferrule read permission on it and on the folders above.',
      });
    default:
      return new FerruleError('FER_CONFIG_READ', `The file can't be read: ${messageOf(error)}.`, details);
  }
}

function lineOfBadByte(bytes: Buffer): number {
  const lines = bytes.toString('latin1').split('\n');
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const index = lines.findIndex((line) => {
    try {
      decoder.decode(Buffer.from(line, 'latin1'));
      return false;
    } catch {
      return true;
    }
  });
  return index + 1;
}

function isEmpty(node: Node): boolean {
  return isScalar(node) && node.value === null && (node.range === undefined || node.range === null || node.range[0] === node.range[1]);
}

function countValues(value: unknown, limit: number): number {
  let count = 0;
  const open: unknown[] = [value];
  while (open.length > 0 && count <= limit) {
    const next = open.pop();
    count++;
    if (typeof next === 'object' && next !== null) for (const inner of Object.values(next)) open.push(inner);
  }
  return count;
}

/** `['field', 'devices', 2, 'unit']` -> `field.devices[2].unit`. */
export function formatPath(path: ConfigPath): string {
  return path.map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${part}`)).join('');
}
