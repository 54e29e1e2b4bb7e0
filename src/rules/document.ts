import type { LineCounter, Node } from 'yaml';
import { isScalar } from 'yaml';
import type { ErrorCode, ErrorPlace, FerruleError } from '../errors.js';
import type { Fault } from './expression/ast.js';
import { ruleError } from './rule-error.js';
import { nodeAt, offsetInScalar, offsetOfKey, offsetOfValue, positionAt } from './yaml-position.js';

export type Path = readonly (string | number)[];

/**
 * One rule of a file as it was read, and where everything in it stands. Collects what is wrong with it, so that all
 * of it is reported at once.
 */
export class RuleDocument {
  readonly file: string;
  readonly errors: FerruleError[] = [];
  readonly root: Node | null;
  /** The rule as plain data. */
  readonly data: unknown;
  /** The name of the rule, as far as it could be read. */
  readonly name: string | undefined;
  readonly #source: string;
  readonly #lines: LineCounter;

  constructor(file: string, source: string, lines: LineCounter, root: Node | null, data: unknown) {
    this.file = file;
    this.root = root;
    this.data = data;
    const name = typeof data === 'object' && data !== null ? (data as { rule?: unknown }).rule : undefined;
    this.name = typeof name === 'string' ? name : undefined;
    this.#source = source;
    this.#lines = lines;
  }

  /** 1-based line of the rule's name, or of its start. */
  get line(): number {
    return this.placeOfKey([], 'rule').line ?? 1;
  }

  placeOfValue(path: Path): ErrorPlace {
    return this.#place(offsetOfValue(this.root, path));
  }

  placeOfKey(path: Path, key: string): ErrorPlace {
    return this.#place(offsetOfKey(this.root, path, key));
  }

  /** The place of a character of the text at a path. */
  placeInText(path: Path, index: number): ErrorPlace {
    const node = nodeAt(this.root, path);
    return this.#place(isScalar(node) ? offsetInScalar(this.#source, node, index) : offsetOfValue(this.root, path));
  }

  error(code: ErrorCode, message: string, where: ErrorPlace, hint?: string): void {
    this.errors.push(ruleError(code, message, { where, ...(hint === undefined ? {} : { hint }) }));
  }

  /** Reports the faults of the expression or template at a path. */
  faults(path: Path, faults: readonly Fault[]): void {
    for (const fault of faults) this.error('FER_RULES_EXPRESSION', fault.message, this.placeInText(path, fault.offset), fault.hint);
  }

  #place(offset: number): ErrorPlace {
    return { file: this.file, ...positionAt(this.#lines, offset), ...(this.name === undefined ? {} : { subject: `rule ${this.name}` }) };
  }
}
