/**
 * jsep, made to say where things are and to accept nothing but the language of the rules: jsep itself keeps no
 * positions, takes `a b` and `f(a b)` for sequences, drops the backslash of escapes it does not know, and has no
 * object literals. What is not overridden here (names, members, calls, lists, operators) is jsep's.
 */
import jsepModule from 'jsep';
import { ParseFault } from './ast.js';
import { LIMITS } from './limits.js';

/** A node as jsep makes it, with the position that this parser adds. */
export interface RawNode {
  type: string;
  at?: number;
  [key: string]: unknown;
}

/** The part of jsep's class that its type definitions leave out. */
interface JsepParser {
  readonly expr: string;
  readonly code: number;
  readonly char: string;
  index: number;
  throwError(message: string): never;
  gobbleSpaces(): void;
  gobbleExpression(): RawNode | false;
  gobbleBinaryOp(): string | false;
  gobbleBinaryExpression(): RawNode | false;
  gobbleToken(): RawNode | false;
  gobbleTokenProperty(node: RawNode): RawNode;
  gobbleNumericLiteral(): RawNode;
  gobbleStringLiteral(): RawNode;
  gobbleIdentifier(): RawNode;
  gobbleArguments(termination: number): RawNode[];
  gobbleGroup(): RawNode;
}

interface JsepClass {
  new (text: string): JsepParser;
  binaryPrecedence(operator: string): number;
  right_associative: ReadonlySet<string>;
}

const { Jsep } = jsepModule as unknown as { Jsep: JsepClass };

const NUMBER = /0[xX][0-9a-fA-F]+|0[bB][01]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y;
const ESCAPE = /\\(?:u\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([\s\S]))/y;
const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  b: '\b',
  f: '\f',
  v: '\v',
  '0': '\0',
  '\\': '\\',
  "'": "'",
  '"': '"',
  '/': '/',
};

/** What people try that the language does not have. */
const NOT_IN_THE_LANGUAGE: Readonly<Record<string, readonly [message: string, hint: string]>> = {
  '=': ['"=" assigns, and expressions cannot', 'Compare with ==; give a value a name under let.'],
  '`': ['text in backquotes is not part of the language', 'Join texts with +, or use {...} where a template is taken.'],
  '|': ['"|" is not an operator of the language', 'Use bitor(a, b), or || for "or".'],
  ';': ['";" is not part of the language: an expression is one value', 'Give intermediate values a name under let.'],
  ',': ['"," stands outside of a call, a list or an object', 'An expression is one value.'],
};

export class Parser extends Jsep {
  #depth = 0;

  constructor(text: string, start = 0) {
    super(text);
    this.index = start;
  }

  /** One expression that reaches to the end of the text. */
  parseAll(): RawNode {
    const node = this.#required('an expression is missing');
    if (this.index < this.expr.length) this.#unexpected();
    return node;
  }

  /** One expression that ends at `}`: the inside of a template's braces. Leaves `index` behind the brace. */
  parseBraced(): RawNode {
    const start = this.index - 1;
    const node = this.#required('an expression is missing between the braces');
    if (!this.#on('}')) {
      if (this.index < this.expr.length) this.#unexpected();
      throw new ParseFault(start, '"{" is not closed', 'Write {{ for a brace that is meant as text.');
    }
    this.index++;
    return node;
  }

  override throwError(message: string): never {
    throw new ParseFault(this.index, message.charAt(0).toLowerCase() + message.slice(1));
  }

  override gobbleExpression(): RawNode | false {
    return this.#nested(() => {
      const test = this.gobbleBinaryExpression();
      this.gobbleSpaces();
      if (test === false || !this.#on('?')) return test;
      const at = this.index++;
      const consequent = this.#required('a value is missing after "?"');
      if (!this.#on(':')) throw new ParseFault(at, '"?" has no ":"', 'Write condition ? value : other value.');
      this.index++;
      const alternate = this.#required('a value is missing after ":"');
      return { type: 'ConditionalExpression', at, test, consequent, alternate };
    });
  }

  override gobbleBinaryExpression(): RawNode | false {
    const first = this.gobbleToken();
    return first === false ? false : this.#operators(first, 0);
  }

  override gobbleToken(): RawNode | false {
    return this.#nested(() => {
      this.gobbleSpaces();
      const at = this.index;
      const node = this.#on('{') ? this.gobbleTokenProperty(this.#objectLiteral()) : super.gobbleToken();
      if (node !== false) node.at ??= at;
      return node;
    });
  }

  override gobbleIdentifier(): RawNode {
    const at = this.index;
    if (at >= this.expr.length) throw new ParseFault(at, 'a name is missing');
    const node = super.gobbleIdentifier();
    const name = String(node.name);
    const odd = /[^\p{L}\p{N}_$]/u.exec(name);
    if (odd !== null) {
      throw new ParseFault(
        at + odd.index,
        `unexpected character ${describeCharacter(odd[0])}`,
        'Names consist of letters, digits, _ and $.',
      );
    }
    return { ...node, at };
  }

  override gobbleNumericLiteral(): RawNode {
    const at = this.index;
    NUMBER.lastIndex = at;
    const raw = NUMBER.exec(this.expr)?.[0];
    if (raw === undefined) throw new ParseFault(at, 'unexpected "."');
    this.index += raw.length;
    if (/[\p{L}\p{N}_$.]/u.test(this.char)) {
      throw new ParseFault(this.index, `unexpected "${this.char}" after the number ${raw}`, 'Names do not begin with a digit.');
    }
    const value = Number(raw);
    if (!Number.isFinite(value)) throw new ParseFault(at, `the number ${raw} is too large`);
    return { type: 'Literal', at, value };
  }

  override gobbleStringLiteral(): RawNode {
    const at = this.index;
    const quote = this.expr.charAt(this.index++);
    let value = '';
    while (this.char !== quote) {
      if (this.index >= this.expr.length) throw new ParseFault(at, `the text that begins with ${quote} is not closed`);
      if (this.char === '\\') value += this.#escape();
      else value += this.expr.charAt(this.index++);
    }
    this.index++;
    return { type: 'Literal', at, value };
  }

  override gobbleArguments(termination: number): RawNode[] {
    const open = this.index - 1;
    const nodes: RawNode[] = [];
    this.gobbleSpaces();
    if (this.code === termination) {
      this.index++;
      return nodes;
    }
    for (;;) {
      nodes.push(this.#required('a value is missing'));
      if (this.code === termination) break;
      if (this.index >= this.expr.length) throw new ParseFault(open, `"${this.expr.charAt(open)}" is not closed`);
      if (!this.#on(',')) this.#unexpected();
      this.index++;
    }
    this.index++;
    return nodes;
  }

  override gobbleGroup(): RawNode {
    const open = this.index++;
    const node = this.#required('a value is missing between the parentheses');
    if (this.index >= this.expr.length) throw new ParseFault(open, '"(" is not closed');
    if (!this.#on(')')) this.#unexpected();
    this.index++;
    return node;
  }

  /** Precedence climbing: jsep's own loop would lose where the operators stand. */
  #operators(first: RawNode, minimum: number): RawNode {
    let left = first;
    for (;;) {
      this.gobbleSpaces();
      const at = this.index;
      const operator = this.gobbleBinaryOp();
      if (operator === false) return left;
      const precedence = Jsep.binaryPrecedence(operator);
      if (precedence < minimum) {
        this.index = at;
        return left;
      }
      const token = this.gobbleToken();
      if (token === false) throw new ParseFault(at, `a value is missing after "${operator}"`);
      const right = this.#operators(token, Jsep.right_associative.has(operator) ? precedence : precedence + 1);
      left = { type: 'BinaryExpression', at, operator, left, right };
    }
  }

  #objectLiteral(): RawNode {
    const at = this.index++;
    const entries: { key: string; at: number; value: RawNode }[] = [];
    for (;;) {
      this.gobbleSpaces();
      if (this.#on('}') && entries.length === 0) break;
      if (this.index >= this.expr.length) throw new ParseFault(at, '"{" is not closed');
      const keyAt = this.index;
      const quoted = this.char === '"' || this.char === "'";
      const key = quoted ? this.gobbleStringLiteral().value : this.gobbleIdentifier().name;
      this.gobbleSpaces();
      if (!this.#on(':')) throw new ParseFault(this.index, `":" is missing after the key ${JSON.stringify(key)}`);
      this.index++;
      entries.push({ key: String(key), at: keyAt, value: this.#required('a value is missing after ":"') });
      if (!this.#on(',')) break;
      this.index++;
    }
    if (this.index >= this.expr.length) throw new ParseFault(at, '"{" is not closed');
    if (!this.#on('}')) this.#unexpected();
    this.index++;
    return { type: 'ObjectExpression', at, entries };
  }

  #escape(): string {
    ESCAPE.lastIndex = this.index;
    const found = ESCAPE.exec(this.expr);
    if (found === null) throw new ParseFault(this.index, 'the text ends in a backslash');
    const [whole, braced, four, two, single] = found;
    const digits = braced ?? four ?? two;
    const codePoint = digits === undefined ? null : Number.parseInt(digits, 16);
    const text = codePoint === null ? ESCAPES[single ?? ''] : codePoint <= 0x10ffff ? String.fromCodePoint(codePoint) : undefined;
    if (text === undefined) {
      throw new ParseFault(this.index, `unknown escape ${whole} in a text`, 'Write \\\\ for a backslash, as in "\\\\d+".');
    }
    this.index += whole.length;
    return text;
  }

  #required(message: string): RawNode {
    const node = this.gobbleExpression();
    if (node !== false) return node;
    if (this.index >= this.expr.length || /[)\]},:]/.test(this.char)) throw new ParseFault(this.index, message);
    return this.#unexpected();
  }

  #on(character: string): boolean {
    return this.expr.charAt(this.index) === character;
  }

  #nested<T>(parse: () => T): T {
    // Every level of an expression passes both gobbleExpression and gobbleToken.
    if (++this.#depth > LIMITS.depth * 2) {
      throw new ParseFault(this.index, `the expression is nested deeper than ${LIMITS.depth} levels`, 'Give parts of it a name under let.');
    }
    const result = parse();
    this.#depth--;
    return result;
  }

  #unexpected(): never {
    const rest = this.expr.slice(this.index);
    if (rest.startsWith('=>')) throw new ParseFault(this.index, 'functions cannot be defined in an expression');
    const [message, hint] = NOT_IN_THE_LANGUAGE[this.char] ?? [];
    if (message !== undefined) throw new ParseFault(this.index, message, hint);
    const word = /^[\p{L}\p{N}_$]+/u.exec(rest)?.[0];
    if (word === 'in') throw new ParseFault(this.index, '"in" is not an operator of the language', 'Use contains(list, value).');
    if (word === 'and') throw new ParseFault(this.index, '"and" is not an operator of the language', 'Write &&.');
    if (word === 'or') throw new ParseFault(this.index, '"or" is not an operator of the language', 'Write ||.');
    throw new ParseFault(this.index, `unexpected ${word === undefined ? describeCharacter(this.char) : `"${word}"`}`);
  }
}

function describeCharacter(character: string): string {
  if (/[\x21-\x7e]/.test(character)) return `"${character}"`;
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}
