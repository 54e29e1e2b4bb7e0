import { type ErrorPlace, FerruleError } from '../../errors.js';
import { COLUMN_BY_NAME, COLUMNS, type Column, cellValue } from './columns.js';
import { CsvFault, type CsvRecord, columnAt, countLines, readRecord, type Separator, separatorOf } from './csv.js';
import { MAX_TABLE_BYTES } from './limits.js';

/** A tag as the configuration would have it, before its defaults and its validation. */
export type WrittenTag = Record<string, unknown>;

const MAX_ROWS = 50_000;
/** So many faults are said; a table that is wrong altogether is not listed row by row. */
const MAX_FAULTS = 50;

/** The tags of a list, and the way from a tag and a key back to row and column. */
export class TagTable {
  readonly file: string;
  readonly tags: WrittenTag[] = [];
  readonly faults: FerruleError[] = [];
  readonly #text: string;
  readonly #separator: Separator;
  readonly #columns: (Column | null)[] = [];
  /** Of each tag: where its record begins, its row (1: the header) and its line. */
  readonly #offsets: number[] = [];
  readonly #rows: number[] = [];
  readonly #lines: number[] = [];

  /** `content`: as it lies on the disk. `file`: for the places of faults. */
  constructor(content: Buffer | string, file: string) {
    this.file = file;
    const text = typeof content === 'string' ? content.replace(/^\uFEFF/, '') : this.#decode(content);
    // Excel writes this line to say which separator follows.
    const declared = /^sep=([,;\t])\r?\n/.exec(text ?? '');
    this.#text = text ?? '';
    this.#separator = (declared?.[1] as Separator | undefined) ?? separatorOf(/^[^\r\n]*/.exec(this.#text)?.[0] ?? '');
    if (text !== null) this.#read(declared?.[0].length ?? 0);
  }

  /** Where a key of a tag stands; without the key, or where the list has no such column: the row. */
  place(index: number, path: readonly (string | number)[] = []): ErrorPlace {
    const offset = this.#offsets[index];
    if (offset === undefined) return { file: this.file };
    const at = this.#columns.findIndex((column) => column?.path.every((key, depth) => key === path[depth]));
    const { starts } = readRecord(this.#text, offset, this.#separator);
    const start = starts[Math.max(0, at)] ?? offset;
    const line = this.#lines[index]! + countLines(this.#text, offset, start);
    const name = this.#columns[at]?.name;
    const subject = `row ${this.#rows[index]}${name === undefined ? '' : `, column ${name}`}`;
    return { file: this.file, line, column: columnAt(this.#text, start), subject };
  }

  #decode(content: Buffer): string | null {
    const fault = (message: string, hint: string, line?: number) => {
      this.faults.push(
        new FerruleError('FER_FIELD_TAGS_FILE', message, { where: { file: this.file, ...(line === undefined ? {} : { line }) }, hint }),
      );
      return null;
    };
    const hint = 'Save it as CSV in UTF-8 (in a spreadsheet: "CSV UTF-8").';
    if (content.length > MAX_TABLE_BYTES) {
      return fault(`The tag list has ${content.length} bytes, more than ${MAX_TABLE_BYTES}.`, 'Split it among several devices.');
    }
    if ((content[0] === 0xff && content[1] === 0xfe) || (content[0] === 0xfe && content[1] === 0xff)) {
      return fault('The tag list is UTF-16.', hint, 1);
    }
    if (content.subarray(0, 4).toString('latin1') === 'PK\u0003\u0004') {
      return fault('The tag list is a spreadsheet or an archive, not CSV.', hint);
    }
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(content);
    } catch {
      return fault('The tag list is not UTF-8 text.', hint, lineOfBadByte(content));
    }
  }

  #read(start: number): void {
    const text = this.#text;
    let offset = start;
    let line = 1 + countLines(text, 0, start);
    let row = 1;
    try {
      let header: CsvRecord | null = null;
      while (offset < text.length && this.faults.length < MAX_FAULTS) {
        const record = readRecord(text, offset, this.#separator);
        if (record.cells.some((cell) => cell !== null && cell.trim() !== '')) {
          if (header === null) {
            header = record;
            if (!this.#readHeader(record, line)) return;
          } else if (this.tags.length >= MAX_ROWS) {
            this.#fault(`There are more than ${MAX_ROWS} tags.`, 'Split the list among several devices.', row, line, offset);
            return;
          } else this.#readTag(record, offset, row, line);
        }
        line += countLines(text, offset, record.next);
        offset = record.next;
        row++;
      }
      if (header === null)
        this.#fault(
          'The tag list is empty.',
          'Its first line names the columns: name,area,address,type. If > has emptied it, it has to come from a copy.',
          1,
          1,
          0,
        );
    } catch (error) {
      if (!(error instanceof CsvFault)) throw error;
      const at = line + countLines(text, offset, error.at);
      this.#fault(`This is no CSV: ${error.message}.`, 'Correct the quotes of this row.', row, at, error.at);
    }
  }

  #readHeader({ cells, starts }: CsvRecord, line: number): boolean {
    for (const [index, cell] of cells.entries()) {
      const name = cell?.trim() ?? '';
      const column = COLUMN_BY_NAME.get(name) ?? null;
      const fault = (message: string, hint: string) => this.#fault(message, hint, 1, line, starts[index]!);
      if (column === null && name !== '') fault(`There is no column ${JSON.stringify(name)}.`, hintFor(name));
      else if (column !== null && this.#columns.includes(column)) fault(`The column ${name} is there twice.`, 'Remove one of them.');
      this.#columns.push(column);
    }
    // An unknown column may be the one that is missed.
    for (const needed of this.faults.length > 0 ? [] : ['name', 'address']) {
      if (this.#columns.some((column) => column?.name === needed)) continue;
      this.#fault(`The column ${needed} is missing.`, 'The first line names the columns: name,area,address,type.', 1, line, starts[0]!);
    }
    return this.faults.length === 0;
  }

  #readTag({ cells, starts }: CsvRecord, offset: number, row: number, line: number): void {
    const extra = cells.findIndex((cell, index) => index >= this.#columns.length && cell !== null);
    if (extra !== -1) {
      const message = `The row has ${cells.length} cells, the header ${this.#columns.length}.`;
      this.#fault(message, 'Put a cell that holds the separator into quotes.', row, line, starts[extra]!);
      return;
    }
    const tag: WrittenTag = {};
    let isSound = true;
    for (const [index, column] of this.#columns.entries()) {
      const cell = cells[index] ?? null;
      if (cell === null) continue;
      if (column === null) {
        isSound = false;
        this.#fault('There is a value in a column without a name.', 'Name the column, or empty it.', row, line, starts[index]!);
        continue;
      }
      const read = column.name === 'address' ? { value: cell.trim() } : cellValue(cell, column.schema);
      if ('problem' in read) {
        isSound = false;
        this.#fault(`${column.name}: ${read.problem}.`, read.hint, row, line, starts[index]!, column.name);
      } else set(tag, column.path, read.value);
    }
    if (!isSound) return;
    if (typeof tag.address === 'string') tag.address = addressOf(tag.address, tag.area);
    this.tags.push(tag);
    this.#offsets.push(offset);
    this.#rows.push(row);
    this.#lines.push(line);
  }

  #fault(message: string, hint: string, row: number, line: number, at: number, column?: string): void {
    const subject = `row ${row}${column === undefined ? '' : `, column ${column}`}`;
    const where = { file: this.file, line, column: columnAt(this.#text, at), subject };
    this.faults.push(new FerruleError('FER_FIELD_TAGS_FILE', message, { where, hint }));
  }
}

/**
 * A cell has no type: digits are the 0-based address where the row names an area, as in YAML, and Modicon notation where
 * it names none.
 */
function addressOf(text: string, area: unknown): number | string {
  return area !== undefined && /^[0-9]+$/.test(text) ? Number(text) : text;
}

function set(tag: WrittenTag, path: readonly string[], value: unknown): void {
  let owner = tag;
  for (const key of path.slice(0, -1)) {
    const inner = (owner[key] ?? {}) as WrittenTag;
    owner[key] = inner;
    owner = inner;
  }
  owner[path.at(-1)!] = value;
}

function hintFor(name: string): string {
  const normal = (text: string) => text.toLowerCase().replace(/[-_ .]/g, '');
  const same = COLUMNS.find((column) => normal(column.name) === normal(name));
  return same === undefined ? `There are: ${COLUMNS.map((column) => column.name).join(', ')}.` : `It is written ${same.name}.`;
}

function lineOfBadByte(content: Buffer): number {
  let line = 1;
  for (let from = 0; from < content.length; line++) {
    const end = content.indexOf(0x0a, from);
    const bytes = content.subarray(from, end === -1 ? content.length : end);
    if (!Buffer.from(bytes.toString('utf8'), 'utf8').equals(bytes)) return line;
    if (end === -1) break;
    from = end + 1;
  }
  return line;
}
