import type { GivenList, ImportFacts } from '../console/device-setup.js';
import type { FerruleError } from '../errors.js';

export interface OwnList {
  csv: string;
  /** Why it is no list. */
  errors: readonly FerruleError[];
  /** null: it was a tag list already. */
  imported: ImportFacts | null;
  /** Errors of the list in `file` at their places in what was given. */
  placed(errors: readonly FerruleError[], file: string): readonly FerruleError[];
}

/** Names of files in what is said of them: what is pasted has none. */
const FILES = { neuron: 'Neuron', telegraf: 'Telegraf' };

/** A tag list of what was given. */
export async function ownList({ csv, from }: GivenList): Promise<OwnList> {
  if (from === null) return { csv, errors: [], imported: null, placed: (errors) => errors };
  // Loaded only now: few gateways ever import a list.
  const [{ atSource, importList }, { select }, { writeTagTable }] = await Promise.all([
    import('../field/tags-file/import/convert.js'),
    import('../field/tags-file/import/imported.js'),
    import('../field/tags-file/write.js'),
  ]);
  const { format, unit, node, groups, start } = from;
  const all = await importList(csv, FILES[format], format, start);
  const selection = { groups, ...(unit === null ? {} : { unit }), ...(node === null ? {} : { node }) };
  const chosen = select(all, selection, false);
  const ofNode = all.tags.filter((tag) => node === null || tag.node === node);
  return {
    csv: chosen.faults.length > 0 ? '' : writeTagTable(chosen.tags.map(({ tag }) => tag)),
    errors: chosen.faults,
    imported: {
      tags: chosen.tags.length,
      units: [...new Set(ofNode.map((tag) => tag.unit))].sort((a, b) => a - b),
      nodes: [...new Set(all.tags.flatMap((tag) => tag.node ?? []))],
      notes: chosen.notes,
    },
    placed: (errors, file) => errors.map((error) => (error.where?.file === file ? atSource(error, chosen) : error)),
  };
}
