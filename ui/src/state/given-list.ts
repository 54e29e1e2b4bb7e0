export type ListFormat = 'csv' | 'neuron' | 'telegraf';
export type Groups = 'ignore' | 'prefix' | 'scan';

/** A tag list that is being given: its text, what it is, and which of its tags are meant. */
export interface ListEntry {
  format: ListFormat;
  text: string;
  /** null: not chosen. */
  unit: number | null;
  node: string | null;
  groups: Groups;
  start: 0 | 1;
}

/** A list as the API takes it: what is not said is left out. */
export interface GivenList {
  csv: string;
  from?: { format: 'neuron' | 'telegraf'; unit?: number; node?: string; groups: Groups; start?: 0 | 1 };
}

export const entryWith = (text: string): ListEntry => ({ format: 'csv', text, unit: null, node: null, groups: 'ignore', start: 1 });

export function givenListOf({ format, text, unit, node, groups, start }: ListEntry): GivenList {
  if (format === 'csv') return { csv: text };
  const chosen = { ...(unit === null ? {} : { unit }), ...(node === null ? {} : { node }) };
  return { csv: text, from: { format, ...chosen, groups, ...(format === 'neuron' ? { start } : {}) } };
}

/** Another format: what was chosen among the tags of the other text is no choice any more, and a line to begin with is no text. */
export function withFormat(entry: ListEntry, format: ListFormat, starter: string): ListEntry {
  const text = entry.text === starter && format !== 'csv' ? '' : entry.text === '' && format === 'csv' ? starter : entry.text;
  return { ...entry, format, text, unit: null, node: null };
}
