/** A token of TypeScript source, as far as finding imports needs it: comments are gone, strings are told from code. */
export interface Token {
  kind: 'word' | 'string' | 'template' | 'punctuation';
  /** Of a string: its content. Of a template: its content, or null where it has substitutions. */
  text: string | null;
  /** 1-based. */
  line: number;
}

/** After these a slash starts a regular expression, not a division. */
const BEFORE_REGEX = new Set('( , = : [ ! & | ? { } ; + - * % < > ~ ^'.split(' '));
const WORDS_BEFORE_REGEX = new Set([
  'return',
  'typeof',
  'case',
  'in',
  'of',
  'delete',
  'void',
  'throw',
  'new',
  'do',
  'else',
  'await',
  'yield',
]);

export function tokenize(source: string): Token[] {
  return new Tokenizer(source).run();
}

class Tokenizer {
  readonly #source: string;
  readonly #tokens: Token[] = [];
  #at = 0;
  #line = 1;
  /** One entry per open template substitution: the braces open inside it. */
  readonly #substitutions: number[] = [];

  constructor(source: string) {
    this.#source = source;
  }

  run(): Token[] {
    while (this.#at < this.#source.length) this.#step();
    return this.#tokens;
  }

  #step(): void {
    const rest = this.#source.slice(this.#at, this.#at + 2);
    const char = rest.charAt(0);
    if (char === '\n' || /\s/.test(char)) this.#move(1);
    else if (rest === '//') this.#moveTo(this.#indexOf('\n'));
    else if (rest === '/*') this.#moveTo(this.#indexOf('*/', 2) + 2);
    else if (char === "'" || char === '"') this.#string(char);
    else if (char === '`') this.#template();
    else if (char === '/' && this.#regexMayStart()) this.#regex();
    else if (/[\w$\u0080-\uffff]/.test(char)) this.#word();
    else this.#punctuation(char);
  }

  #punctuation(char: string): void {
    const depth = this.#substitutions.at(-1);
    if (depth !== undefined) {
      if (char === '}' && depth === 0) {
        this.#substitutions.pop();
        this.#template();
        return;
      }
      if (char === '{' || char === '}') this.#substitutions[this.#substitutions.length - 1] = depth + (char === '{' ? 1 : -1);
    }
    this.#push('punctuation', char, this.#line);
    this.#move(1);
  }

  #word(): void {
    const word = /^[\w$\u0080-\uffff]+/.exec(this.#source.slice(this.#at, this.#at + 200))?.[0] ?? '';
    this.#push('word', word, this.#line);
    this.#move(word.length);
  }

  #string(quote: string): void {
    const line = this.#line;
    let end = this.#at + 1;
    while (end < this.#source.length && this.#source[end] !== quote) end += this.#source[end] === '\\' ? 2 : 1;
    this.#push('string', this.#source.slice(this.#at + 1, end), line);
    this.#moveTo(end + 1);
  }

  /** From a backtick, or from the brace that ends a substitution, to the next substitution or the end. */
  #template(): void {
    const line = this.#line;
    const first = this.#source[this.#at] === '`';
    let end = this.#at + 1;
    while (end < this.#source.length && this.#source[end] !== '`' && !this.#source.startsWith('${', end)) {
      end += this.#source[end] === '\\' ? 2 : 1;
    }
    const whole = this.#source[end] === '`';
    if (first) this.#push('template', whole ? this.#source.slice(this.#at + 1, end) : null, line);
    if (!whole) this.#substitutions.push(0);
    this.#moveTo(end + (whole ? 1 : 2));
  }

  #regex(): void {
    let end = this.#at + 1;
    let inClass = false;
    while (end < this.#source.length && (inClass || this.#source[end] !== '/')) {
      const char = this.#source[end];
      if (char === '[') inClass = true;
      else if (char === ']') inClass = false;
      end += char === '\\' ? 2 : 1;
    }
    this.#push('template', null, this.#line);
    this.#moveTo(end + 1);
  }

  #regexMayStart(): boolean {
    const last = this.#tokens.at(-1);
    if (last === undefined) return true;
    if (last.kind === 'punctuation') return BEFORE_REGEX.has(last.text ?? '');
    return last.kind === 'word' && WORDS_BEFORE_REGEX.has(last.text ?? '');
  }

  #push(kind: Token['kind'], text: string | null, line: number): void {
    this.#tokens.push({ kind, text, line });
  }

  #indexOf(text: string, skip = 0): number {
    const index = this.#source.indexOf(text, this.#at + skip);
    return index === -1 ? this.#source.length : index;
  }

  #move(count: number): void {
    this.#moveTo(this.#at + count);
  }

  #moveTo(end: number): void {
    for (let index = this.#at; index < end && index < this.#source.length; index++) if (this.#source[index] === '\n') this.#line++;
    this.#at = end;
  }
}
