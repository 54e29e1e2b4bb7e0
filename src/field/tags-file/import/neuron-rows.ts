import { type FerruleError, messageOf } from '../../../errors.js';
import { CsvFault, columnAt, countLines, readRecord, separatorOf } from '../csv.js';
import { faultAt } from './imported.js';
import type { NeuronRow } from './neuron.js';

const COLUMNS = ['group', 'interval', 'name', 'address', 'attribute', 'type', 'description', 'decimal', 'precision', 'bias', 'unit'];

/** The tags of a list of Neuron: its table saved as CSV, or JSON of its API (one group, a node, all nodes). */
export function readNeuronRows(content: string, file: string): { rows: NeuronRow[]; faults: FerruleError[] } {
  return /^\uFEFF?\s*[[{]/.test(content) ? fromJson(content.replace(/^\uFEFF/, ''), file) : fromTable(content.replace(/^\uFEFF/, ''), file);
}

function fromTable(text: string, file: string): { rows: NeuronRow[]; faults: FerruleError[] } {
  const rows: NeuronRow[] = [];
  const faults: FerruleError[] = [];
  const separator = separatorOf(/^[^\r\n]*/.exec(text)?.[0] ?? '');
  let names: string[] | null = null;
  let line = 1;
  let row = 1;
  let offset = 0;
  try {
    for (; offset < text.length; row++) {
      const { cells, starts, next } = readRecord(text, offset, separator);
      const [at, inLine, inRow] = [offset, line, row];
      line += countLines(text, offset, next);
      offset = next;
      if (cells.every((cell) => (cell ?? '').trim() === '')) continue;
      if (names === null) {
        names = cells.map((cell) => (cell ?? '').trim().toLowerCase());
        for (const needed of ['name', 'address', 'type']) {
          const hint = `Neuron's table has the columns ${COLUMNS.join(', ')}.`;
          if (!names.includes(needed))
            faults.push(faultAt({ file, line: inLine, column: 1, subject: `row ${inRow}` }, `The column ${needed} is missing.`, hint));
        }
        if (faults.length > 0) return { rows, faults };
        continue;
      }
      const header = names;
      const indexOf = (name: string) => header.indexOf(name);
      rows.push({
        group: (cells[indexOf('group')] ?? '').trim() || null,
        node: (cells[indexOf('node')] ?? '').trim() || null,
        cell: (name) => cells[indexOf(name)],
        where: (name) => {
          const start = starts[name === undefined ? 0 : indexOf(name)] ?? at;
          const subject = `row ${inRow}${name === undefined || indexOf(name) === -1 ? '' : `, column ${name}`}`;
          return { file, line: inLine + countLines(text, at, start), column: columnAt(text, start), subject };
        },
      });
    }
  } catch (error) {
    if (!(error instanceof CsvFault)) throw error;
    const where = { file, line: line + countLines(text, offset, error.at), column: columnAt(text, error.at), subject: `row ${row}` };
    faults.push(faultAt(where, `This is no CSV: ${error.message}.`, 'Correct the quotes of this row.'));
  }
  if (names === null && faults.length === 0)
    faults.push(faultAt({ file }, 'The list is empty.', `Its first line names the columns: ${COLUMNS.join(', ')}.`));
  return { rows, faults };
}

type Json = Record<string, unknown>;

function fromJson(text: string, file: string): { rows: NeuronRow[]; faults: FerruleError[] } {
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch (error) {
    return { rows: [], faults: [faultAt({ file }, `This is no JSON: ${messageOf(error)}.`, 'Export the list again.')] };
  }
  const rows: NeuronRow[] = [];
  collect(root, '', { node: null, group: null, interval: null }, rows, file);
  const faults =
    rows.length > 0
      ? []
      : [faultAt({ file }, 'There are no tags in it.', 'It should have "tags", or "groups" or "nodes" with tags in them.')];
  return { rows, faults };
}

/** `{nodes: [{name, groups: [{group, interval, tags: []}]}]}`, `{node, group, tags: []}`, or any part of it. */
function collect(
  value: unknown,
  path: string,
  context: { node: string | null; group: string | null; interval: unknown },
  rows: NeuronRow[],
  file: string,
): void {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) collect(item, `${path}[${index}]`, context, rows, file);
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  const item = value as Json;
  const lists = ['nodes', 'groups', 'tags'].filter((key) => Array.isArray(item[key]));
  if (lists.length === 0) {
    if ('address' in item) {
      rows.push({
        group: context.group,
        node: context.node,
        cell: (name) => (name === 'interval' ? context.interval : item[name]),
        where: (name) => ({ file, subject: name === undefined ? path : `${path}.${name}` }),
      });
    }
    return;
  }
  const textIn = (key: string) => (typeof item[key] === 'string' ? (item[key] as string) : null);
  const inner = {
    node: textIn('node') ?? (lists.includes('groups') ? textIn('name') : null) ?? context.node,
    group: textIn('group') ?? (lists.includes('tags') ? textIn('name') : null) ?? context.group,
    interval: item.interval ?? context.interval,
  };
  for (const key of lists) collect(item[key], path === '' ? key : `${path}.${key}`, inner, rows, file);
}
