import { type Token, tokenize } from './tokens.js';

export interface Import {
  /** As written; null: computed, so that nobody can tell. */
  specifier: string | null;
  /** 1-based. */
  line: number;
  /** Erased by the compiler. */
  typeOnly: boolean;
  /** `url`: new URL('./x.js', import.meta.url), which is how a worker is named. */
  kind: 'static' | 'dynamic' | 'url';
}

/** Everything a source file refers to: import, export from, import(), import types, require, and new URL('./...'). */
export function importsOf(source: string): Import[] {
  const tokens = tokenize(source);
  const found: Import[] = [];
  for (let at = 0; at < tokens.length; at++) {
    const seen = importAt(tokens, at);
    if (seen !== null) found.push(seen);
  }
  return found;
}

function importAt(tokens: Token[], at: number): Import | null {
  const token = tokens[at]!;
  if (token.kind !== 'word' || isPunctuation(tokens[at - 1], '.')) return null;
  switch (token.text) {
    case 'import':
      return isPunctuation(tokens[at + 1], '(') ? call(tokens, at, 1, 'dynamic') : declaration(tokens, at);
    case 'export':
      return declaration(tokens, at);
    case 'require':
      return isPunctuation(tokens[at + 1], '(') ? call(tokens, at, 1, 'dynamic') : null;
    case 'new': {
      const made = isWord(tokens[at + 1], 'URL') && isPunctuation(tokens[at + 2], '(') ? call(tokens, at, 2, 'url') : null;
      return made?.specifier?.startsWith('.') === true ? made : null;
    }
    default:
      return null;
  }
}

/** `import('x')`, `require('x')`, `new URL('x'`: the argument after the opening bracket `skip` tokens on. */
function call(tokens: Token[], at: number, skip: number, kind: Import['kind']): Import {
  const argument = tokens[at + skip + 1];
  const literal = argument?.kind === 'string' || argument?.kind === 'template' ? argument.text : null;
  // `typeof import('x')` and `import('x').Type` are types, but are treated like the import they look like.
  return { specifier: literal, line: tokens[at]!.line, typeOnly: false, kind };
}

/** `import 'x'`, `import ... from 'x'`, `export ... from 'x'`, with or without `type`. */
function declaration(tokens: Token[], at: number): Import | null {
  const line = tokens[at]!.line;
  const next = tokens[at + 1];
  if (next?.kind === 'string')
    return tokens[at]!.text === 'import' ? { specifier: next.text, line, typeOnly: false, kind: 'static' } : null;
  const typeOnly = isWord(next, 'type') && !isWord(tokens[at + 2], 'from') && !isPunctuation(tokens[at + 2], ',');
  let depth = 0;
  for (let index = at + 1; index < tokens.length; index++) {
    const token = tokens[index]!;
    if (isPunctuation(token, '{')) depth++;
    else if (isPunctuation(token, '}')) depth--;
    else if (depth === 0 && isWord(token, 'from') && tokens[index + 1]?.kind === 'string') {
      return { specifier: tokens[index + 1]!.text, line, typeOnly, kind: 'static' };
    } else if (!isClause(token)) return null;
  }
  return null;
}

/** What may stand between `import` or `export` and `from`. */
function isClause(token: Token): boolean {
  return token.kind === 'punctuation'
    ? token.text === '*' || token.text === ','
    : token.kind === 'word' && !STATEMENTS.has(token.text ?? '');
}

const STATEMENTS = new Set('const let var function class interface enum async abstract declare default namespace'.split(' '));

function isWord(token: Token | undefined, text: string): boolean {
  return token?.kind === 'word' && token.text === text;
}

function isPunctuation(token: Token | undefined, text: string): boolean {
  return token?.kind === 'punctuation' && token.text === text;
}
