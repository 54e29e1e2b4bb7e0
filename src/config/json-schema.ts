/** The part of JSON Schema that the fragments use, with our own keywords. */
export interface JsonSchema {
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  allOf?: JsonSchema[];
  properties?: Record<string, JsonSchema>;
  patternProperties?: Record<string, JsonSchema>;
  additionalProperties?: boolean | JsonSchema;
  required?: string[];
  items?: JsonSchema | JsonSchema[];
  minItems?: number;
  maxItems?: number;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  default?: unknown;
  description?: string;
  'x-unit'?: 'duration' | 'size';
  'x-min'?: string;
  'x-max'?: string;
  'x-secret'?: boolean;
  'x-path'?: 'file' | 'directory' | 'optional';
  /** What stands in the reference as the default, where it is known only at run time. */
  'x-default'?: string;
  /** What the pattern means, for people: `letters, digits, - and _`. */
  'x-allowed'?: string;
}

export type JsonObject = Record<string, unknown>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Branches of a union, nested unions flattened; null: no union. */
export function branchesOf(schema: JsonSchema): JsonSchema[] | null {
  const branches = schema.anyOf ?? schema.oneOf;
  return branches === undefined ? null : branches.flatMap((branch) => branchesOf(branch) ?? [branch]);
}

/** Schemas that constrain the keys of an object: itself, or the parts of an intersection. */
export function partsOf(schema: JsonSchema): JsonSchema[] {
  return schema.allOf === undefined ? [schema] : [schema, ...schema.allOf.flatMap(partsOf)];
}

/** The schema of a key, also where keys are free. */
export function propertyOf(schema: JsonSchema, key: string): JsonSchema | null {
  // Nearly always it is one of its own keys, and there are thousands of tags.
  if (schema.properties !== undefined && Object.hasOwn(schema.properties, key)) return schema.properties[key] ?? null;
  for (const part of partsOf(schema)) {
    if (part.properties !== undefined && Object.hasOwn(part.properties, key)) return part.properties[key] ?? null;
    for (const [pattern, inner] of Object.entries(part.patternProperties ?? {})) if (new RegExp(pattern).test(key)) return inner;
    if (typeof part.additionalProperties === 'object') return part.additionalProperties;
  }
  return null;
}

export function knownKeys(schema: JsonSchema): string[] {
  return partsOf(schema).flatMap((part) => Object.keys(part.properties ?? {}));
}

/** The constant values that a schema allows; null: it is no constant. */
export function constantsOf(schema: JsonSchema): unknown[] | null {
  if (schema.const !== undefined) return [schema.const];
  if (schema.enum !== undefined) return schema.enum;
  return null;
}

export function jsonType(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value;
}

/** Whether a value's type (not its content) fits. */
export function typeFits(schema: JsonSchema, value: unknown): boolean {
  const constants = constantsOf(schema);
  if (constants !== null && schema.type === undefined) return constants.some((constant) => jsonType(constant) === jsonType(value));
  const types = schema.type === undefined ? [] : [schema.type].flat();
  if (types.length === 0) return schema.properties === undefined || isObject(value);
  return types.some((type) => type === jsonType(value) || (type === 'integer' && typeof value === 'number'));
}
