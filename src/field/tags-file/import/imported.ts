import { type ErrorPlace, FerruleError } from '../../../errors.js';
import type { WrittenTag } from '../table.js';

/** A tag from another program's list. */
export interface ImportedTag {
  tag: WrittenTag;
  unit: number;
  /** What it belongs to there (a group, a measurement); null: nothing. */
  group: string | null;
  /** The device or plugin instance it is of; null: the list knows one only. */
  node: string | null;
  where: ErrorPlace;
}

/** What a list became. Where there are faults, the tags are not complete. */
export interface Imported {
  tags: ImportedTag[];
  faults: FerruleError[];
  /** What a person should know: settings that are not in the list. */
  notes: string[];
}

/** A list says something that can be meant in two ways, or that we can't do. */
export class Refusal extends Error {
  readonly hint: string;
  constructor(message: string, hint: string) {
    super(message);
    this.name = 'Refusal';
    this.hint = hint;
  }
}

export function faultAt(where: ErrorPlace, message: string, hint: string): FerruleError {
  return new FerruleError('FER_FIELD_TAGS_FILE', message, { where, hint });
}

export interface Selection {
  /** Only tags of this unit, node. */
  unit?: number;
  node?: string;
  /** `ignore`: names must differ anyway; `prefix`: `group_name`; `scan`: a scan class of the group's name. */
  groups: 'ignore' | 'prefix' | 'scan';
}

/** The tags of one device: a tag list is of one. `isCommandLine`: hints name its options. */
export function select({ tags, faults, notes }: Imported, { unit, node, groups }: Selection, isCommandLine = true): Imported {
  const how = (option: string) => (isCommandLine ? ` with ${option}` : '');
  const chosen = tags.filter((each) => (unit === undefined || each.unit === unit) && (node === undefined || each.node === node));
  const found = [...faults];
  const wrong = (message: string, hint: string) => found.push(new FerruleError('FER_FIELD_TAGS_FILE', message, { hint }));
  const nodes = [...new Set(tags.map((each) => each.node))];
  const units = [...new Set(chosen.map((each) => each.unit))].sort((a, b) => a - b);
  if (chosen.length === 0 && faults.length === 0) {
    const what = [node === undefined ? '' : ` of ${node}`, unit === undefined ? '' : ` of unit ${unit}`].join('');
    wrong(
      `There are no tags${what}.`,
      `There are units ${[...new Set(tags.map((each) => each.unit))].join(', ')}; nodes ${nodes.join(', ')}.`,
    );
  }
  if (node === undefined && nodes.length > 1)
    wrong(`The tags are of ${nodes.length} devices: ${nodes.join(', ')}.`, `A list is of one: choose the device${how('--node')}.`);
  else if (unit === undefined && units.length > 1)
    wrong(`The tags are of the units ${units.join(', ')}.`, `A list is of one device: choose the unit${how('--unit')}.`);
  const named = chosen.map((each) => ({ ...each, tag: inGroup(each, groups) }));
  return { tags: named, faults: found.length > 0 ? found : sameNames(named, how('--groups prefix')), notes };
}

function inGroup({ tag, group }: ImportedTag, groups: Selection['groups']): WrittenTag {
  if (group === null || groups === 'ignore') return tag;
  return groups === 'scan' ? { ...tag, scan: group } : { ...tag, name: `${group}_${String(tag.name)}` };
}

function sameNames(tags: readonly ImportedTag[], how: string): FerruleError[] {
  const groupOf = new Map<unknown, string | null>();
  return tags.flatMap(({ tag, group, where }) => {
    if (!groupOf.has(tag.name)) {
      groupOf.set(tag.name, group);
      return [];
    }
    const other = groupOf.get(tag.name) ?? null;
    const both = other === group ? 'twice' : `in ${String(other)} and in ${String(group)}`;
    return [
      faultAt(where, `The name ${String(tag.name)} is there ${both}.`, `Rename one of them, or put the groups before the names${how}.`),
    ];
  });
}
