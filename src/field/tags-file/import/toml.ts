/**
 * TOML 1.0 (https://toml.io/en/v1.0.0), as far as configuration files need it: everything but dates, which are taken as
 * text. Written here because the gateway would need a package for nothing else; the tests compare it with Python's tomllib.
 */
export type TomlValue = string | number | boolean | TomlValue[] | TomlTable;
export interface TomlTable {
  [key: string]: TomlValue;
}

export class TomlFault extends Error {
  /** 1-based. */
  readonly line: number;
  readonly column: number;
  constructor(message: string, line: number, column: number) {
    super(message);
    this.name = 'TomlFault';
    this.line = line;
    this.column = column;
  }
}

export interface TomlDocument {
  root: TomlTable;
  /** The line on which a table begins, 1-based. */
  lineOf(table: TomlTable): number | undefined;
}

/** Throws a TomlFault. */
export function parseToml(text: string): TomlDocument {
  return new Reader(text.replace(/^\uFEFF/, '')).document();
}

const BARE_KEY = /[A-Za-z0-9_-]+/y;
const NUMBER_OR_DATE = /[+-]?[0-9A-Za-z_.:+-]+( [0-9]{2}:[0-9]{2}[0-9:.Z+-]*)?/y;
const DECIMAL = /^[+-]?(0|[1-9](_?[0-9])*)$/;
const FLOAT = /^[+-]?(0|[1-9](_?[0-9])*)(\.[0-9](_?[0-9])*)?(e[+-]?[0-9](_?[0-9])*)?$/i;
const PREFIXED = /^0(x[0-9a-f](_?[0-9a-f])*|o[0-7](_?[0-7])*|b[01](_?[01])*)$/i;
const DATE = /^([0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ].*)?|[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?)$/;
const ESCAPES: Record<string, string> = { b: '\b', t: '\t', n: '\n', f: '\f', r: '\r', '"': '"', '\\': '\\' };
const MAX_DEPTH = 100;

class Reader {
  readonly #text: string;
  readonly #root: TomlTable = table();
  readonly #lines = new WeakMap<TomlTable, number>();
  /** Tables that a header or an inline table defined: they are not defined again. */
  readonly #defined = new WeakSet<TomlTable>();
  /** Tables that may not be added to: inline ones. */
  readonly #closed = new WeakSet<TomlTable>();
  readonly #tableArrays = new WeakSet<TomlValue[]>();
  /** Where each line begins. */
  readonly #lineStarts: readonly number[];
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
    this.#lineStarts = [0, ...Array.from(text.matchAll(/\n/g), ({ index }) => index + 1)];
  }

  document(): TomlDocument {
    let current = this.#root;
    for (;;) {
      this.#skipBlank();
      if (this.#at >= this.#text.length) return { root: this.#root, lineOf: (owner) => this.#lines.get(owner) };
      if (this.#peek('[')) current = this.#header();
      else {
        this.#keyValue(current);
        this.#endOfLine();
      }
    }
  }

  #header(): TomlTable {
    const start = this.#at;
    const isArray = this.#peek('[[');
    this.#at += isArray ? 2 : 1;
    this.#skipSpace();
    const path = this.#keyPath();
    this.#skipSpace();
    this.#expect(isArray ? ']]' : ']');
    this.#endOfLine();
    const owner = this.#descend(this.#root, path.slice(0, -1), start);
    const key = path.at(-1)!;
    const before = own(owner, key);
    let found: TomlTable;
    if (isArray) {
      found = table();
      if (before === undefined) {
        const list: TomlValue[] = [found];
        this.#tableArrays.add(list);
        put(owner, key, list);
      } else if (Array.isArray(before) && this.#tableArrays.has(before)) before.push(found);
      else throw this.#fault(`${key} is no list of tables`, start);
    } else {
      if (before !== undefined && (!isTable(before) || this.#defined.has(before) || this.#closed.has(before))) {
        throw this.#fault(`${path.join('.')} is there twice`, start);
      }
      found = isTable(before) ? before : table();
      put(owner, key, found);
      this.#defined.add(found);
    }
    this.#lines.set(found, this.#place(start).line);
    return found;
  }

  /** The table at a path, made where it is missing; of a list of tables the last one. */
  #descend(from: TomlTable, path: readonly string[], start: number): TomlTable {
    let owner = from;
    for (const key of path) {
      let next = own(owner, key);
      if (next === undefined) {
        next = table();
        put(owner, key, next);
      }
      if (Array.isArray(next) && this.#tableArrays.has(next)) next = next.at(-1)!;
      if (!isTable(next) || this.#closed.has(next)) throw this.#fault(`${key} is no table that can be added to`, start);
      owner = next;
    }
    return owner;
  }

  #keyValue(owner: TomlTable): void {
    const start = this.#at;
    const path = this.#keyPath();
    this.#skipSpace();
    this.#expect('=');
    this.#skipSpace();
    let target = owner;
    for (const key of path.slice(0, -1)) {
      const before = own(target, key);
      if (before === undefined) {
        const made = table();
        put(target, key, made);
        // `a.b = 1` defines a, as a header would.
        this.#defined.add(made);
        target = made;
      } else if (isTable(before) && !this.#closed.has(before)) target = before;
      else throw this.#fault(`${key} is no table that can be added to`, start);
    }
    const key = path.at(-1)!;
    if (own(target, key) !== undefined) throw this.#fault(`${path.join('.')} is there twice`, start);
    put(target, key, this.#value());
  }

  #keyPath(): string[] {
    const path = [this.#key()];
    for (;;) {
      const before = this.#at;
      this.#skipSpace();
      if (!this.#peek('.')) {
        this.#at = before;
        return path;
      }
      this.#at++;
      this.#skipSpace();
      path.push(this.#key());
    }
  }

  #key(): string {
    if (this.#peek('"') && !this.#peek('"""')) return this.#basicString();
    if (this.#peek("'") && !this.#peek("'''")) return this.#literalString();
    const key = this.#match(BARE_KEY);
    if (key === null) throw this.#fault('a key is expected here');
    return key;
  }

  #value(): TomlValue {
    if (++this.#depth > MAX_DEPTH) throw this.#fault('nested too deeply');
    const value = this.#anyValue();
    this.#depth--;
    return value;
  }

  #anyValue(): TomlValue {
    if (this.#peek('"""')) return this.#multiLine('"""');
    if (this.#peek("'''")) return this.#multiLine("'''");
    if (this.#peek('"')) return this.#basicString();
    if (this.#peek("'")) return this.#literalString();
    if (this.#peek('[')) return this.#array();
    if (this.#peek('{')) return this.#inlineTable();
    return this.#scalar();
  }

  #scalar(): TomlValue {
    const start = this.#at;
    const word = this.#match(NUMBER_OR_DATE) ?? '';
    if (word === 'true' || word === 'false') return word === 'true';
    const plain = word.replaceAll('_', '');
    if (DECIMAL.test(word) || FLOAT.test(word) || PREFIXED.test(word)) return Number(plain);
    const special = /^([+-]?)(inf|nan)$/.exec(word);
    if (special !== null) return special[2] === 'nan' ? Number.NaN : special[1] === '-' ? -Infinity : Infinity;
    if (DATE.test(word)) return word;
    throw this.#fault(word === '' ? 'a value is expected here' : `${word} is no value; text belongs in quotes`, start);
  }

  #array(): TomlValue[] {
    const values: TomlValue[] = [];
    this.#at++;
    for (;;) {
      this.#skipBlank();
      if (this.#take(']')) return values;
      values.push(this.#value());
      this.#skipBlank();
      if (this.#take(']')) return values;
      this.#expect(',');
    }
  }

  #inlineTable(): TomlTable {
    const found = table();
    this.#lines.set(found, this.#place(this.#at).line);
    this.#at++;
    this.#skipSpace();
    if (!this.#take('}')) {
      for (;;) {
        this.#skipSpace();
        this.#keyValue(found);
        this.#skipSpace();
        if (this.#take('}')) break;
        this.#expect(',');
      }
    }
    this.#close(found);
    return found;
  }

  /** With the tables that dotted keys made in it. */
  #close(found: TomlTable): void {
    this.#closed.add(found);
    for (const inner of Object.values(found)) if (isTable(inner)) this.#close(inner);
  }

  #literalString(): string {
    const end = this.#text.indexOf("'", this.#at + 1);
    const text = this.#text.slice(this.#at + 1, end);
    if (end === -1 || /[\r\n]/.test(text)) throw this.#fault('a quote is opened here and not closed on its line');
    this.#at = end + 1;
    return text;
  }

  #basicString(): string {
    const start = this.#at++;
    let value = '';
    for (;;) {
      const char = this.#text[this.#at];
      if (char === undefined || char === '\n' || char === '\r')
        throw this.#fault('a quote is opened here and not closed on its line', start);
      if (char === '"') {
        this.#at++;
        return value;
      }
      value += char === '\\' ? this.#escape() : char;
      if (char !== '\\') this.#at++;
    }
  }

  #multiLine(quotes: '"""' | "'''"): string {
    const start = this.#at;
    this.#at += 3;
    this.#match(/\r?\n/y);
    let value = '';
    for (;;) {
      if (this.#at >= this.#text.length) throw this.#fault('three quotes are opened here and never closed', start);
      if (this.#peek(quotes)) {
        // Up to two quotes may stand before those that close.
        while (this.#text[this.#at + 3] === quotes[0]) {
          value += quotes[0];
          this.#at++;
        }
        this.#at += 3;
        return value;
      }
      const char = this.#text[this.#at]!;
      if (char !== '\\' || quotes === "'''") {
        value += char;
        this.#at++;
      } else if (this.#match(/\\[ \t]*\r?\n\s*/y) === null) value += this.#escape();
    }
  }

  #escape(): string {
    const unicode = this.#match(/\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8}))/y);
    if (unicode !== null) {
      const code = Number.parseInt(unicode.slice(2), 16);
      if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) throw this.#fault(`${unicode} is no character`);
      return String.fromCodePoint(code);
    }
    const plain = ESCAPES[this.#text[this.#at + 1] ?? ''];
    if (plain === undefined) throw this.#fault('a backslash must be doubled');
    this.#at += 2;
    return plain;
  }

  #endOfLine(): void {
    this.#skipSpace();
    this.#match(/#[^\n]*/y);
    if (this.#at < this.#text.length && this.#match(/\r?\n/y) === null) throw this.#fault('the line should end here');
  }

  /** Spaces, line ends and comments. */
  #skipBlank(): void {
    while (this.#match(/[ \t\r\n]+|#[^\n]*/y) !== null);
  }

  #skipSpace(): void {
    this.#match(/[ \t]+/y);
  }

  #peek(text: string): boolean {
    return this.#text.startsWith(text, this.#at);
  }

  #take(text: string): boolean {
    if (!this.#peek(text)) return false;
    this.#at += text.length;
    return true;
  }

  #expect(text: string): void {
    if (!this.#take(text)) throw this.#fault(`${text} is expected here`);
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? null;
    if (found !== null) this.#at += found.length;
    return found;
  }

  #place(at: number): { line: number; column: number } {
    let low = 0;
    let high = this.#lineStarts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#lineStarts[middle]! <= at) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: at - this.#lineStarts[low]! + 1 };
  }

  #fault(message: string, at = this.#at): TomlFault {
    const { line, column } = this.#place(at);
    return new TomlFault(message, line, column);
  }
}

/** Without a prototype: a key may be `__proto__`. */
function table(): TomlTable {
  return Object.create(null) as TomlTable;
}

export function isTable(value: TomlValue | undefined): value is TomlTable {
  return typeof value === 'object' && !Array.isArray(value);
}

function own(owner: TomlTable, key: string): TomlValue | undefined {
  return owner[key];
}

function put(owner: TomlTable, key: string, value: TomlValue): void {
  owner[key] = value;
}
