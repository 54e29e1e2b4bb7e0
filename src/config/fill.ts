import { chooseBranch } from './branch.js';
import { branchesOf, isObject, type JsonSchema, partsOf, propertyOf } from './json-schema.js';

/**
 * A copy of `value` with the schema's defaults filled in, also inside unions and lists. What is wrong stays as it is,
 * for the validation to find. A section that stands there empty (`broker:`) has all its defaults.
 */
export function fillDefaults(schema: JsonSchema, value: unknown, isValid: (schema: JsonSchema, value: unknown) => boolean): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const branches = branchesOf(schema);
  if (branches !== null) {
    const choice = chooseBranch(branches, value, (branch) => isValid(branch, fillDefaults(branch, value, isValid)));
    return choice.kind === 'branch' ? fillDefaults(choice.schema, value, isValid) : value;
  }
  if (Array.isArray(value)) {
    const items = schema.items;
    return value.map((item: unknown, index) => {
      const inner = Array.isArray(items) ? items[index] : items;
      return inner === undefined ? item : fillDefaults(inner, item, isValid);
    });
  }
  if (!isObject(value)) return value;
  const filled: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    const written = value[key];
    const property = propertyOf(schema, key);
    if (property !== null && isEmptySection(property, written)) continue;
    set(filled, key, property === null ? written : fillDefaults(property, written, isValid));
  }
  for (const { key, property, required } of defaultsOf(schema)) {
    if (Object.hasOwn(filled, key)) continue;
    const fallback = defaultOf(property, required, isValid);
    if (fallback !== undefined) set(filled, key, fallback);
  }
  return filled;
}

function defaultOf(schema: JsonSchema, required: boolean, isValid: (schema: JsonSchema, value: unknown) => boolean): unknown {
  const { default: fallback } = schema;
  if (fallback !== undefined) return typeof fallback === 'object' ? fillDefaults(schema, structuredClone(fallback), isValid) : fallback;
  if (!required || schema.type !== 'object') return undefined;
  const filled = fillDefaults(schema, {}, isValid);
  return isValid(schema, filled) ? filled : undefined;
}

function isEmptySection(schema: JsonSchema, written: unknown): boolean {
  return written === null && (schema.type === 'object' || schema.type === 'array');
}

interface KeyWithDefault {
  key: string;
  property: JsonSchema;
  required: boolean;
}

const withDefaults = new WeakMap<JsonSchema, KeyWithDefault[]>();

/** Keys that may have a default, in the order of the schema. */
function defaultsOf(schema: JsonSchema): KeyWithDefault[] {
  let keys = withDefaults.get(schema);
  if (keys === undefined) {
    keys = partsOf(schema).flatMap((part) =>
      Object.entries(part.properties ?? {})
        .map(([key, property]) => ({ key, property, required: part.required?.includes(key) === true }))
        .filter(({ property, required }) => property.default !== undefined || (required && property.type === 'object')),
    );
    withDefaults.set(schema, keys);
  }
  return keys;
}

/** As an assignment, which makes something else of the key `__proto__`. */
export function set(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key !== '__proto__') target[key] = value;
  else Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
}
