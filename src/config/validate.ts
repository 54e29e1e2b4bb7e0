import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { chooseBranch } from './branch.js';
import { explain, explainUnion, unknownValue } from './explain.js';
import { isValid } from './is-valid.js';
import { branchesOf, isObject, type JsonSchema } from './json-schema.js';
import type { ConfigPath, Finding } from './source.js';

/** Says in words what is wrong with values that do not keep to a schema, every fault at once. */
export class Validator {
  // Compiled once and used a few times: code that is optimized, worded and checked costs three times as much to make.
  readonly #ajv = new Ajv({
    allErrors: true,
    verbose: true,
    messages: false,
    strict: false,
    strictNumbers: true,
    validateSchema: false,
    validateFormats: false,
    addUsedSchema: false,
    logger: false,
    code: { optimize: false },
  });
  readonly #compiled = new WeakMap<JsonSchema, ValidateFunction>();

  /** Empty: valid. */
  validate(schema: JsonSchema, value: unknown, path: ConfigPath = []): Finding[] {
    const branches = branchesOf(schema);
    if (branches !== null) return isValid(schema, value) ? [] : this.#validateUnion(schema, branches, value, path);
    const compiled = this.#compile(schema);
    if (compiled(value)) return [];
    const errors = (compiled.errors ?? []).filter((error) => !isInsideUnion(error));
    const findings: Finding[] = [];
    for (const error of errors) {
      const at = [...path, ...pointerToPath(error.instancePath, value)];
      const inner = error.parentSchema as JsonSchema;
      const innerBranches = error.keyword === 'anyOf' || error.keyword === 'oneOf' ? branchesOf(inner) : null;
      if (innerBranches !== null) findings.push(...this.#validateUnion(inner, innerBranches, error.data, at));
      else findings.push(explain(error, at));
    }
    return dropNoise(findings);
  }

  #validateUnion(schema: JsonSchema, branches: JsonSchema[], value: unknown, path: ConfigPath): Finding[] {
    const choice = chooseBranch(branches, value, (branch) => isValid(branch, value));
    switch (choice.kind) {
      case 'branch': {
        const findings = this.validate(choice.schema, value, path);
        return findings.length > 0 ? findings : [explainUnion(schema, branches, value, path)];
      }
      case 'unknown':
        return [unknownValue(choice.key, choice.allowed, value, path)];
      case 'none':
        return [explainUnion(schema, branches, value, path)];
    }
  }

  #compile(schema: JsonSchema): ValidateFunction {
    let compiled = this.#compiled.get(schema);
    if (compiled === undefined) {
      compiled = this.#ajv.compile(schema);
      this.#compiled.set(schema, compiled);
    }
    return compiled;
  }
}

/** One for all: compiling a schema costs much, once is enough. */
export const validator = new Validator();

function isInsideUnion(error: ErrorObject): boolean {
  return /\/(anyOf|oneOf)\/\d+(\/|$)/.test(error.schemaPath);
}

/** `/field/devices/2` -> path, with indexes as numbers where the value is a list. */
function pointerToPath(pointer: string, root: unknown): ConfigPath {
  let value = root;
  return pointer
    .split('/')
    .slice(1)
    .map((token) => {
      const key = token.replace(/~1/g, '/').replace(/~0/g, '~');
      if (Array.isArray(value)) {
        value = value[Number(key)];
        return Number(key);
      }
      value = isObject(value) ? value[key] : undefined;
      return key;
    });
}

/** One fault per place: a value of the wrong type also fails its pattern and its range. */
function dropNoise(findings: Finding[]): Finding[] {
  const seen = new Set<string>();
  return findings.filter((finding) => {
    const key = JSON.stringify([finding.path, finding.atKey === true, finding.code]);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}
