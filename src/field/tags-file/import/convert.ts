import { type ErrorPlace, FerruleError } from '../../../errors.js';
import type { Imported } from './imported.js';

export type ForeignFormat = 'neuron' | 'telegraf';

/** A list of another program. `start`: of a Neuron node, whether its addresses count from 1 or from 0. */
export async function importList(text: string, file: string, format: ForeignFormat, start: 0 | 1): Promise<Imported> {
  if (format === 'telegraf') return (await import('./telegraf.js')).importTelegraf(text, file);
  return (await import('./neuron.js')).importNeuron(text, file, { start });
}

/** An error of a row of the list that was made of `imported`, at the place that the row comes from. */
export function atSource(error: FerruleError, { tags }: Pick<Imported, 'tags'>): FerruleError {
  const row = /^row ([0-9]+)/.exec(error.where?.subject ?? '')?.[1];
  const where: ErrorPlace | undefined = tags[Number(row) - 2]?.where;
  if (where === undefined) return error;
  return new FerruleError(error.code, error.message, { where, ...(error.hint === undefined ? {} : { hint: error.hint }) });
}
