import { isDeepStrictEqual } from 'node:util';
import { FerruleError } from '../errors.js';
import { isObject, type JsonSchema } from './json-schema.js';

type Check = (value: unknown) => boolean;
/** Makes the check of a keyword from what it says in a schema. */
type Keyword = (limit: never, schema: JsonSchema) => Check;

const ofNumbers = (holds: (value: number, limit: number) => boolean): Keyword => {
  return (limit: number) => (value) => typeof value !== 'number' || holds(value, limit);
};
const ofLists = (holds: (value: unknown[], limit: number) => boolean): Keyword => {
  return (limit: number) => (value) => !Array.isArray(value) || holds(value, limit);
};
const ofText = (holds: (length: number, limit: number) => boolean): Keyword => {
  return (limit: number) => (value) => typeof value !== 'string' || holds([...value].length, limit);
};

const KEYWORDS: Record<string, Keyword> = {
  type: (types: string | string[]) =>
    Array.isArray(types) ? (value) => types.some((type) => isOfType(type, value)) : (value) => isOfType(types, value),
  const: (constant: unknown) => (value) => isDeepStrictEqual(value, constant),
  enum: (allowed: unknown[]) => (value) => allowed.some((constant) => constant === value || isDeepStrictEqual(value, constant)),
  anyOf: (branches: JsonSchema[]) => (value) => branches.some((branch) => isValid(branch, value)),
  oneOf: (branches: JsonSchema[]) => (value) => branches.filter((branch) => isValid(branch, value)).length === 1,
  allOf: (parts: JsonSchema[]) => (value) => parts.every((part) => isValid(part, value)),
  properties: (properties: Record<string, JsonSchema>) => {
    const known = new Map(Object.entries(properties));
    return (value) => {
      if (!isObject(value)) return true;
      for (const key of Object.keys(value)) {
        const property = known.get(key);
        if (property !== undefined && value[key] !== undefined && !isValid(property, value[key])) return false;
      }
      return true;
    };
  },
  patternProperties: (patterns: Record<string, JsonSchema>) => (value) =>
    !isObject(value) ||
    Object.keys(patterns).every((pattern) =>
      Object.keys(value).every((key) => !regex(pattern).test(key) || isValid(patterns[pattern]!, value[key])),
    ),
  additionalProperties: (additional: boolean | JsonSchema, schema) => {
    if (additional === true) return () => true;
    return (value) =>
      !isObject(value) ||
      Object.keys(value).every((key) => isKnown(key, schema) || (additional !== false && isValid(additional, value[key])));
  },
  required: (keys: string[]) => (value) => !isObject(value) || keys.every((key) => value[key] !== undefined),
  items: (items: JsonSchema | JsonSchema[]) => (value) =>
    !Array.isArray(value) ||
    value.every((item, index) => {
      const inner = Array.isArray(items) ? items[index] : items;
      return inner === undefined || isValid(inner, item);
    }),
  minItems: ofLists((list, limit) => list.length >= limit),
  maxItems: ofLists((list, limit) => list.length <= limit),
  minimum: ofNumbers((value, limit) => value >= limit),
  maximum: ofNumbers((value, limit) => value <= limit),
  exclusiveMinimum: ofNumbers((value, limit) => value > limit),
  exclusiveMaximum: ofNumbers((value, limit) => value < limit),
  minLength: ofText((length, limit) => length >= limit),
  maxLength: ofText((length, limit) => length <= limit),
  pattern: (pattern: string) => {
    const expression = regex(pattern);
    return (value) => typeof value !== 'string' || expression.test(value);
  },
};

/** Said of a value, not asked of it; our own keywords (x-...) are the loader's business. */
const REMARKS = new Set(['default', 'description']);

/** Checks of the schemas that were asked for: most are asked for again with each of thousands of tags. */
const checks = new WeakMap<JsonSchema, Check[]>();

/**
 * Whether a value keeps to a schema, without a word on why not. Asking is all that a configuration without faults needs, and
 * costs a hundredth of what ajv takes to make code of the schema; validate.ts, with ajv, explains.
 */
export function isValid(schema: JsonSchema, value: unknown): boolean {
  let own = checks.get(schema);
  if (own === undefined) {
    own = checksOf(schema);
    checks.set(schema, own);
  }
  for (const holds of own) if (!holds(value)) return false;
  return true;
}

function checksOf(schema: JsonSchema): Check[] {
  return Object.entries(schema).flatMap(([keyword, limit]) => {
    if (keyword.startsWith('x-') || REMARKS.has(keyword)) return [];
    const make = Object.hasOwn(KEYWORDS, keyword) ? KEYWORDS[keyword] : undefined;
    // Passing over it would let something wrong through.
    if (make === undefined) throw new FerruleError('FER_INTERNAL', `a schema of the configuration has the unknown keyword ${keyword}`);
    return [make(limit as never, schema)];
  });
}

function isOfType(type: string, value: unknown): boolean {
  switch (type) {
    case 'object':
      return isObject(value);
    case 'array':
      return Array.isArray(value);
    case 'null':
      return value === null;
    case 'integer':
      return Number.isInteger(value);
    case 'number':
      return Number.isFinite(value);
    default:
      return typeof value === type;
  }
}

function isKnown(key: string, { properties, patternProperties }: JsonSchema): boolean {
  if (properties !== undefined && Object.hasOwn(properties, key)) return true;
  return patternProperties !== undefined && Object.keys(patternProperties).some((pattern) => regex(pattern).test(key));
}

const compiled = new Map<string, RegExp>();

function regex(pattern: string): RegExp {
  let known = compiled.get(pattern);
  if (known === undefined) {
    known = new RegExp(pattern, 'u');
    compiled.set(pattern, known);
  }
  return known;
}
