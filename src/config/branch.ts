import { constantsOf, isObject, type JsonSchema, knownKeys, propertyOf, typeFits } from './json-schema.js';

export type Choice =
  | { kind: 'branch'; schema: JsonSchema }
  /** The key that tells the branches apart holds none of its values. */
  | { kind: 'unknown'; key: string; allowed: unknown[] }
  | { kind: 'none' };

/**
 * The branch of a union that a value means, also where the value is not valid: the one whose telling key (`type: tcp`)
 * matches, else the only one of its type, else the one that knows most of its keys.
 */
export function chooseBranch(branches: readonly JsonSchema[], value: unknown, isValid: (schema: JsonSchema) => boolean): Choice {
  const constant = branches.find((branch) => constantsOf(branch)?.includes(value));
  if (constant !== undefined) return { kind: 'branch', schema: constant };
  let candidates = branches.filter((branch) => typeFits(branch, value));
  if (isObject(value) && candidates.length > 1) {
    const key = tellingKey(candidates);
    if (key !== null) {
      const matching = candidates.filter((branch) => {
        const property = propertyOf(branch, key);
        const written = Object.hasOwn(value, key) ? value[key] : property?.default;
        return property !== null && constantsOf(property)?.includes(written);
      });
      if (matching.length === 0) {
        return {
          kind: 'unknown',
          key,
          allowed: [...new Set(candidates.flatMap((branch) => constantsOf(propertyOf(branch, key) ?? {}) ?? []))],
        };
      }
      candidates = matching;
    }
  }
  const [first, second] = candidates;
  if (first !== undefined && second === undefined && isObject(value)) return { kind: 'branch', schema: first };
  const valid = candidates.find(isValid);
  if (valid !== undefined) return { kind: 'branch', schema: valid };
  if (isObject(value)) {
    const best = candidates.reduce<JsonSchema | null>((a, b) => (a === null || fitness(b, value) > fitness(a, value) ? b : a), null);
    return best === null ? { kind: 'none' } : { kind: 'branch', schema: best };
  }
  return soleList(candidates);
}

/** A list that is wrong inside is explained from its own schema; scalars are explained by what the union allows. */
function soleList(candidates: readonly JsonSchema[]): Choice {
  const lists = candidates.filter((candidate) => candidate.type === 'array');
  return lists.length === 1 && lists[0] !== undefined ? { kind: 'branch', schema: lists[0] } : { kind: 'none' };
}

/** The key that is constant in every branch, with more than one value among them. */
function tellingKey(branches: readonly JsonSchema[]): string | null {
  const first = branches[0];
  if (first === undefined) return null;
  for (const key of knownKeys(first)) {
    const constants = branches.map((branch) => constantsOf(propertyOf(branch, key) ?? {}));
    if (constants.every((constant) => constant !== null) && new Set(constants.flat()).size > 1) return key;
  }
  return null;
}

function fitness(schema: JsonSchema, value: Record<string, unknown>): number {
  const known = new Set(knownKeys(schema));
  const keys = Object.keys(value);
  const missing = (schema.required ?? []).filter((key) => !Object.hasOwn(value, key) && propertyOf(schema, key)?.default === undefined);
  return keys.filter((key) => known.has(key)).length - keys.filter((key) => !known.has(key)).length - missing.length;
}
