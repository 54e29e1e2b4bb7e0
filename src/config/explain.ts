import type { ErrorObject } from 'ajv';
import { nearest } from './distance.js';
import { constantsOf, isObject, type JsonSchema, jsonType, knownKeys, propertyOf } from './json-schema.js';
import type { ConfigPath, Finding } from './source.js';

const UNIT_WORDS = { duration: 'a duration such as 500ms, 5s, 2m, 1h or 7d', size: 'a size such as 128, 64KiB, 1MiB or 1GiB' } as const;

/** What one of ajv's errors means, in words. */
export function explain(error: ErrorObject, path: ConfigPath): Finding {
  const schema = error.parentSchema as JsonSchema;
  const limit = (error.params as { limit?: number }).limit;
  const wrong = (message: string, hint?: string): Finding => ({ path, message, ...(hint === undefined ? {} : { hint }) });
  switch (error.keyword) {
    case 'additionalProperties':
      return unknownKey((error.params as { additionalProperty: string }).additionalProperty, schema, path);
    case 'required':
      return missingKey((error.params as { missingProperty: string }).missingProperty, schema, path);
    case 'type':
      return wrongType(schema, error.data, path);
    case 'enum':
    case 'const':
      return notAllowed(constantsOf(schema) ?? [], error.data, path);
    case 'pattern':
      return wrong(`${show(error.data, schema)} is not ${describe(schema)}.`);
    case 'minimum':
    case 'maximum':
    case 'exclusiveMinimum':
    case 'exclusiveMaximum':
      return schema['x-unit'] === undefined ? outOfRange(schema, error.data, path) : wrongType(schema, error.data, path);
    case 'multipleOf':
      return wrong(`${show(error.data, schema)} is not a multiple of ${String((error.params as { multipleOf: number }).multipleOf)}.`);
    case 'minLength':
      return wrong(limit === 1 ? 'This is empty.' : `This is shorter than ${limit} characters.`);
    case 'maxLength':
      return wrong(`This is longer than ${limit} characters.`);
    case 'minItems':
      return wrong(limit === 1 ? 'This list is empty.' : `This list has fewer than ${limit} items.`);
    case 'maxItems':
      return wrong(`This list has more than ${limit} items.`);
    case 'minProperties':
      return wrong(limit === 1 ? 'This has no keys.' : `This has fewer than ${limit} keys.`);
    case 'uniqueItems':
      return wrong(
        `Items ${(error.params as { i: number }).i + 1} and ${(error.params as { j: number }).j + 1} of this list are the same.`,
      );
    default:
      return wrong(`This is not allowed (${error.keyword}).`, `It is ${describe(schema)}.`);
  }
}

/** No branch of a union fits: say all that is allowed. */
export function explainUnion(schema: JsonSchema, branches: JsonSchema[], value: unknown, path: ConfigPath): Finding {
  const constants = branches.map(constantsOf);
  if (constants.every((constant) => constant !== null)) return notAllowed(constants.flat(), value, path);
  const words = constants.flatMap((constant) => constant ?? []).filter((constant) => typeof constant === 'string');
  const near = typeof value === 'string' ? nearest(value, words) : null;
  const allowed = list([...new Set(branches.map((branch) => describe(branch)))]);
  return {
    path,
    message: value === null ? 'This has no value.' : `${show(value, schema)} is not allowed here.`,
    hint: `${near === null ? '' : `Did you mean ${near}? `}Allowed: ${allowed}.`,
  };
}

/** The key that tells the branches of a union apart is missing or holds something else. */
export function unknownValue(key: string, allowed: unknown[], value: unknown, path: ConfigPath): Finding {
  if (isObject(value) && Object.hasOwn(value, key)) return notAllowed(allowed, value[key], [...path, key]);
  return { path, code: 'FER_CONFIG_MISSING_KEY', message: `The key "${key}" is missing.`, hint: `Allowed: ${list(allowed.map(String))}.` };
}

function unknownKey(key: string, schema: JsonSchema, path: ConfigPath): Finding {
  const known = knownKeys(schema);
  const near = nearest(key, known);
  const hint = near === null ? `Known here: ${known.join(', ')}.` : `Did you mean "${near}"?`;
  return { path: [...path, key], atKey: true, code: 'FER_CONFIG_UNKNOWN_KEY', message: `The key "${key}" is not known here.`, hint };
}

function missingKey(key: string, schema: JsonSchema, path: ConfigPath): Finding {
  const property = propertyOf(schema, key);
  const hint =
    property === null ? undefined : `It is ${describe(property)}${property.description === undefined ? '' : `: ${property.description}`}`;
  return {
    // A missing key has no place of its own; its path tells several of them apart.
    path: [...path, key],
    code: 'FER_CONFIG_MISSING_KEY',
    message: `The key "${key}" is missing.`,
    ...(hint === undefined ? {} : { hint: hint.endsWith('.') ? hint : `${hint}.` }),
  };
}

function notAllowed(allowed: unknown[], value: unknown, path: ConfigPath): Finding {
  const near = typeof value === 'string' ? nearest(value, allowed.map(String)) : null;
  return {
    path,
    message: value === null ? 'This has no value.' : `${show(value)} is not allowed here.`,
    hint: `${near === null ? '' : `Did you mean ${near}? `}Allowed: ${list(allowed.map(String))}.`,
  };
}

function wrongType(schema: JsonSchema, value: unknown, path: ConfigPath): Finding {
  const expected = describe(schema);
  if (value === null) return { path, message: 'This has no value.', hint: `Write ${expected}, or remove the key.` };
  if (schema['x-unit'] === 'duration' && typeof value === 'number') {
    return { path, message: `${value} has no unit.`, hint: `Write ${UNIT_WORDS.duration}.` };
  }
  const quoted =
    typeof value === 'string' &&
    value.trim() !== '' &&
    ['number', 'integer'].includes(String(schema.type)) &&
    Number.isFinite(Number(value));
  const needsQuotes = schema.type === 'string' && (typeof value === 'number' || typeof value === 'boolean');
  const hint = quoted ? 'Remove the quotes.' : needsQuotes ? `Put it into quotes: "${String(value)}".` : undefined;
  return { path, message: `${capital(show(value, schema))} is not ${expected}.`, ...(hint === undefined ? {} : { hint }) };
}

function outOfRange(schema: JsonSchema, value: unknown, path: ConfigPath): Finding {
  return { path, message: `${String(value)} is out of range.`, hint: `Allowed: ${describe(schema)}.` };
}

/** What a schema allows, as part of a sentence. */
export function describe(schema: JsonSchema): string {
  if (schema['x-unit'] !== undefined) return UNIT_WORDS[schema['x-unit']];
  if (schema['x-secret'] === true) return 'text or {secret: name}';
  if (schema['x-path'] !== undefined) return schema['x-path'] === 'directory' ? 'the path of a directory' : 'the path of a file';
  const constants = constantsOf(schema);
  if (constants !== null) return list(constants.map(String));
  if (schema['x-allowed'] !== undefined) return schema['x-allowed'];
  const branches = schema.anyOf ?? schema.oneOf;
  if (branches !== undefined) return list([...new Set(branches.map(describe))]);
  switch ([schema.type].flat()[0]) {
    case 'integer':
      return `a whole number${range(schema)}`;
    case 'number':
      return `a number${range(schema)}`;
    case 'boolean':
      return 'true or false';
    case 'string':
      return schema.pattern === undefined ? 'text' : `text of the form ${schema.pattern}`;
    case 'array':
      return 'a list';
    case 'object':
      return schema.properties === undefined ? 'a mapping' : `a mapping with ${list(Object.keys(schema.properties).slice(0, 6), 'and')}`;
    default:
      return 'a value';
  }
}

function range(schema: JsonSchema): string {
  const low = schema.minimum ?? schema.exclusiveMinimum;
  const high = schema.maximum ?? schema.exclusiveMaximum;
  if (low !== undefined && high !== undefined) return ` from ${low} to ${high}`;
  if (low !== undefined) return schema.minimum === undefined ? ` above ${low}` : `, ${low} or more`;
  if (high !== undefined) return schema.maximum === undefined ? ` below ${high}` : `, ${high} or less`;
  return '';
}

/** The value as part of a sentence; never a secret, and never long. */
function show(value: unknown, schema: JsonSchema = {}): string {
  if (schema['x-secret'] === true) return 'this value';
  switch (jsonType(value)) {
    case 'array':
      return 'a list';
    case 'object':
      return 'a mapping';
    case 'string':
      return JSON.stringify(String(value).length > 60 ? `${String(value).slice(0, 57)}...` : value);
    default:
      return String(value);
  }
}

function list(words: string[], last = 'or'): string {
  if (words.length < 2) return words[0] ?? 'nothing';
  return `${words.slice(0, -1).join(', ')} ${last} ${words.at(-1)}`;
}

function capital(text: string): string {
  return text.startsWith('a ') ? `A${text.slice(1)}` : text;
}
