/** RFC 4180: records of cells, quoted where they hold separators, quotes or line ends; the separator may be `,`, `;` or a tab. */

export type Separator = ',' | ';' | '\t';

export interface CsvRecord {
  /** null: nothing stands there. An empty text is what stands in quotes: "". */
  cells: (string | null)[];
  /** Where each cell begins in the text. */
  starts: number[];
  /** Where the next record begins. */
  next: number;
}

/** A fault of the form; `at`: where in the text. */
export class CsvFault extends Error {
  readonly at: number;
  constructor(message: string, at: number) {
    super(message);
    this.name = 'CsvFault';
    this.at = at;
  }
}

const QUOTE = 0x22;
const CR = 0x0d;
const LF = 0x0a;

/** The record that begins at `offset`. Throws a CsvFault. */
export function readRecord(text: string, offset: number, separator: Separator): CsvRecord {
  const cells: (string | null)[] = [];
  const starts: number[] = [];
  let at = offset;
  for (;;) {
    starts.push(at);
    if (text.charCodeAt(at) === QUOTE) {
      const { value, next } = readQuoted(text, at);
      cells.push(value);
      at = next;
    } else {
      const end = endOfBare(text, at, separator);
      cells.push(end === at ? null : text.slice(at, end));
      at = end;
    }
    if (text[at] === separator) at++;
    else break;
  }
  if (at < text.length) {
    const code = text.charCodeAt(at);
    if (code !== CR && code !== LF) throw new CsvFault('after a quote that ends a cell there must be a separator', at);
    at += code === CR && text.charCodeAt(at + 1) === LF ? 2 : 1;
  }
  return { cells, starts, next: at };
}

function readQuoted(text: string, start: number): { value: string; next: number } {
  let value = '';
  let from = start + 1;
  for (;;) {
    const quote = text.indexOf('"', from);
    if (quote === -1) throw new CsvFault('a quote is opened here and never closed', start);
    value += text.slice(from, quote);
    if (text.charCodeAt(quote + 1) !== QUOTE) return { value, next: quote + 1 };
    value += '"';
    from = quote + 2;
  }
}

function endOfBare(text: string, start: number, separator: Separator): number {
  const limit = separator.charCodeAt(0);
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === limit || code === CR || code === LF) return at;
    if (code === QUOTE) throw new CsvFault('a quote within a cell: the whole cell belongs in quotes, and the quote is doubled', at);
  }
  return text.length;
}

/** Which separator a header has: the first that stands outside of quotes. A header of one column has none. */
export function separatorOf(header: string): Separator {
  const found = /[,;\t]/.exec(header.replace(/"[^"]*"/g, ''))?.[0];
  return found === ';' || found === '\t' ? found : ',';
}

/** A cell as it is written; null: nothing. */
export function csvCell(value: string | null, separator: Separator): string {
  if (value === null) return '';
  const needsQuotes = value === '' || /["\r\n,;\t]|^\s|\s$/.test(value) || value.includes(separator);
  return needsQuotes ? `"${value.replaceAll('"', '""')}"` : value;
}

/** Line ends between two places. */
export function countLines(text: string, from: number, to: number): number {
  let count = 0;
  for (let at = from; at < to; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x0a || (code === 0x0d && text.charCodeAt(at + 1) !== 0x0a)) count++;
  }
  return count;
}

/** 1-based. No further back than the line begins: lastIndexOf would go through all of a text that has only one kind of line ends. */
export function columnAt(text: string, at: number): number {
  let start = at;
  while (start > 0 && text.charCodeAt(start - 1) !== LF && text.charCodeAt(start - 1) !== CR) start--;
  return at - start + 1;
}
