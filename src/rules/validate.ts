import { Ajv, type ErrorObject } from 'ajv';
import type { RuleDocument } from './document.js';
import { suggest } from './expression/suggest.js';
import { NOT_YET, RuleSchema, type RuleSource } from './schema.js';

/** `verbose` hands over the schema that was not met: its description says what is expected. */
const check = new Ajv({ allErrors: true, verbose: true, strict: false, ownProperties: true }).compile(RuleSchema);

/** Checks a rule against the schema; everything that is wrong goes to the document's errors. */
export function validate(document: RuleDocument): document is RuleDocument & { data: RuleSource } {
  if (check(document.data)) return true;
  const errors = check.errors ?? [];
  // Of a union, every branch complains; the union itself says what is expected.
  const unions = errors.filter((error) => error.keyword === 'anyOf').map((error) => `${error.schemaPath}/`);
  for (const error of errors) if (!unions.some((path) => error.schemaPath.startsWith(path))) report(document, error);
  return false;
}

function report(document: RuleDocument, error: ErrorObject): void {
  const path = pathOf(error.instancePath);
  switch (error.keyword) {
    case 'additionalProperties':
      reportUnknown(document, path, String(error.params.additionalProperty), error.parentSchema);
      return;
    case 'required': {
      const key = String(error.params.missingProperty);
      const what = describe(propertiesOf(error.parentSchema)?.[key]);
      document.error('FER_RULES_SCHEMA', `${nameOf(path)} has no "${key}"`, document.placeOfValue(path), what && `Add ${key}: ${what}.`);
      return;
    }
    case 'maxProperties':
      document.error(
        'FER_RULES_SCHEMA',
        path[0] === 'do' ? 'an action has one key; this one has more' : `${nameOf(path)} has too many entries`,
        document.placeOfValue(path),
        path[0] === 'do' ? 'Begin each action with its own dash.' : 'At most 50 are read.',
      );
      return;
    default: {
      const what = describe(error.parentSchema) ?? 'something else';
      document.error('FER_RULES_SCHEMA', `${nameOf(path)} must be ${what}`, document.placeOfValue(path));
    }
  }
}

function reportUnknown(document: RuleDocument, path: (string | number)[], key: string, schema: unknown): void {
  const place = document.placeOfKey(path, key);
  const section =
    path.length === 0 ? 'rule' : path.length === 1 && path[0] === 'on' ? 'on' : path.length === 2 && path[0] === 'do' ? 'do' : '';
  if (NOT_YET[section]?.includes(key) === true) {
    document.error('FER_RULES_UNSUPPORTED', `"${key}" is not supported yet`, place, 'Take it out; the rest of the rule works without it.');
    return;
  }
  const known = Object.keys(propertiesOf(schema) ?? {});
  const near = suggest(key, known);
  const hint = near !== null ? `Did you mean ${near}?` : known.length > 0 ? `Known here: ${known.join(', ')}.` : undefined;
  document.error('FER_RULES_SCHEMA', `unknown key "${key}"`, place, hint);
}

function pathOf(pointer: string): (string | number)[] {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part));
}

/** `do[0].publish.topic`. */
function nameOf(path: readonly (string | number)[]): string {
  if (path.length === 0) return 'the rule';
  return path.map((part, index) => (typeof part === 'number' ? `[${part}]` : index === 0 ? part : `.${part}`)).join('');
}

function propertiesOf(schema: unknown): Record<string, unknown> | undefined {
  return (schema as { properties?: Record<string, unknown> } | undefined)?.properties;
}

function describe(schema: unknown): string | undefined {
  return (schema as { description?: string } | undefined)?.description;
}
