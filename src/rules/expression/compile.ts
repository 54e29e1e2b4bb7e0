import { type Fault, type Node, ParseFault } from './ast.js';
import type { RuleFunction } from './functions/define.js';
import { compilePattern, type Pattern, REGEX_FUNCTIONS } from './functions/regex.js';
import { FUNCTIONS } from './functions/table.js';
import { LIMITS } from './limits.js';
import { lower } from './lower.js';
import { binary, type Evaluate, unary } from './operators.js';
import { Parser, type RawNode } from './parser.js';
import { suggest } from './suggest.js';
import { EvaluationFault, property, truthy, type Value } from './values.js';

/** The names that an expression may use, and what they stand for. */
export type Names = ReadonlyMap<string, Evaluate>;

export type Compiled<T> = { ok: true; value: T } | { ok: false; faults: Fault[] };

/** Parses and compiles an expression; every fault that can be found at once is reported. Never throws. */
export function compileExpression(text: string, names: Names): Compiled<Evaluate> {
  return compiling(text, (compiler) => compiler.compile(lower(new Parser(text).parseAll())), names);
}

export type TemplatePart = string | { at: number; evaluate: Evaluate };

/** Compiles a text with expressions in braces (`alarms/{topic(1)}`); `{{` and `}}` stand for braces. Never throws. */
export function compileTemplate(text: string, names: Names): Compiled<TemplatePart[]> {
  return compiling(text, (compiler) => parseTemplate(text).map((part) => (typeof part === 'string' ? part : compiler.part(part))), names);
}

function compiling<T>(text: string, compile: (compiler: Compiler) => T, names: Names): Compiled<T> {
  if (text.length > LIMITS.textLength) {
    return { ok: false, faults: [{ offset: LIMITS.textLength, message: `the expression is longer than ${LIMITS.textLength} characters` }] };
  }
  const compiler = new Compiler(names);
  try {
    const value = compile(compiler);
    return compiler.faults.length === 0 ? { ok: true, value } : { ok: false, faults: compiler.faults };
  } catch (error) {
    if (error instanceof ParseFault) return { ok: false, faults: [...compiler.faults, error.fault] };
    throw error;
  }
}

function parseTemplate(text: string): (string | { at: number; raw: RawNode })[] {
  const parts: (string | { at: number; raw: RawNode })[] = [];
  let literal = '';
  let index = 0;
  while (index < text.length) {
    const character = text.charAt(index);
    if (character !== '{' && character !== '}') {
      literal += character;
      index++;
    } else if (text.charAt(index + 1) === character) {
      literal += character;
      index += 2;
    } else if (character === '}') {
      throw new ParseFault(index, '"}" has no "{"', 'Write }} for a brace that is meant as text.');
    } else {
      if (literal !== '') parts.push(literal);
      literal = '';
      const parser = new Parser(text, index + 1);
      parts.push({ at: index, raw: parser.parseBraced() });
      index = parser.index;
    }
  }
  if (literal !== '') parts.push(literal);
  return parts;
}

const missing: Evaluate = () => null;

class Compiler {
  readonly faults: Fault[] = [];
  readonly #names: Names;
  readonly #nodes = { nodes: LIMITS.nodes };

  constructor(names: Names) {
    this.#names = names;
  }

  part(part: { at: number; raw: RawNode }): TemplatePart {
    return { at: part.at, evaluate: this.compile(lower(part.raw, this.#nodes)) };
  }

  compile(node: Node): Evaluate {
    switch (node.type) {
      case 'literal': {
        const { value } = node;
        return () => value;
      }
      case 'name':
        return this.#name(node.name, node.at);
      case 'member': {
        const object = this.compile(node.object);
        const { key } = node;
        return (scope) => property(object(scope), key);
      }
      case 'index':
        return this.#index(node.object, node.index);
      case 'call':
        return this.#call(node.name, node.args, node.at);
      case 'unary':
        return this.#unary(node.operator, node.at, this.compile(node.argument));
      case 'binary':
        return this.#binary(node.operator, node.at, this.compile(node.left), this.compile(node.right));
      case 'conditional': {
        const [test, consequent, alternate] = [this.compile(node.test), this.compile(node.consequent), this.compile(node.alternate)];
        return (scope) => (truthy(test(scope)) ? consequent(scope) : alternate(scope));
      }
      case 'list': {
        const elements = node.elements.map((element) => this.compile(element));
        return (scope) => elements.map((element) => element(scope));
      }
      case 'object':
        return this.#object(node.entries);
    }
  }

  #name(name: string, at: number): Evaluate {
    const evaluate = this.#names.get(name);
    if (evaluate !== undefined) return evaluate;
    const near = suggest(name, this.#names.keys());
    if (FUNCTIONS.has(name)) this.#fault(at, `"${name}" is a function and must be called`, `Write ${signature(FUNCTIONS.get(name)!)}.`);
    else this.#fault(at, `unknown name "${name}"`, near === null ? undefined : `Did you mean ${near}?`);
    return missing;
  }

  #index(objectNode: Node, indexNode: Node): Evaluate {
    const [object, index] = [this.compile(objectNode), this.compile(indexNode)];
    return (scope) => {
      const target = object(scope);
      const key = index(scope);
      if (typeof key === 'number') return Number.isInteger(key) ? property(target, String(key)) : null;
      return typeof key === 'string' ? property(target, key) : null;
    };
  }

  #unary(operator: string, at: number, argument: Evaluate): Evaluate {
    if (operator === '!') return (scope) => !truthy(argument(scope));
    return unary(operator, at, argument) ?? this.#noOperator(operator, at);
  }

  #binary(operator: string, at: number, l: Evaluate, r: Evaluate): Evaluate {
    switch (operator) {
      case '&&':
        return (scope) => {
          const value = l(scope);
          return truthy(value) ? r(scope) : value;
        };
      case '||':
        return (scope) => {
          const value = l(scope);
          return truthy(value) ? value : r(scope);
        };
      case '??':
        return (scope) => l(scope) ?? r(scope);
      default:
        return binary(operator, at, l, r) ?? this.#noOperator(operator, at);
    }
  }

  #object(entries: { key: string; value: Node }[]): Evaluate {
    const compiled = entries.map(({ key, value }) => ({ key, evaluate: this.compile(value) }));
    return (scope) => {
      // Without a prototype, a key named __proto__ is a key like any other.
      const object = Object.create(null) as Record<string, Value>;
      for (const { key, evaluate } of compiled) object[key] = evaluate(scope);
      return object;
    };
  }

  #call(name: string, argNodes: Node[], at: number): Evaluate {
    const definition = FUNCTIONS.get(name);
    const args = argNodes.map((argument) => this.compile(argument));
    if (definition === undefined) {
      const near = suggest(name, FUNCTIONS.keys());
      this.#fault(at, `unknown function "${name}"`, near === null ? 'The functions are listed in docs/rules.md.' : `Did you mean ${near}?`);
      return missing;
    }
    if (args.length < definition.minimum || args.length > definition.maximum) {
      this.#fault(at, `${name} takes ${arity(definition)}, not ${args.length}`, `Write ${signature(definition)}.`);
      return missing;
    }
    return this.#withLiteralPattern(name, argNodes[1], args[0]) ?? calling(definition, args, at);
  }

  /** A regular expression that is a literal is compiled with the rule, and refused with it. */
  #withLiteralPattern(name: string, node: Node | undefined, text: Evaluate | undefined): Evaluate | null {
    const definition = REGEX_FUNCTIONS.find((candidate) => candidate.name === name);
    if (definition === undefined || node?.type !== 'literal' || typeof node.value !== 'string' || text === undefined) return null;
    let pattern: Pattern;
    try {
      pattern = compilePattern(node.value);
    } catch (error) {
      if (!(error instanceof EvaluationFault)) throw error;
      this.#fault(node.at, error.message);
      return missing;
    }
    const { at } = node;
    return (scope) => {
      const value = text(scope);
      scope.at = at;
      return definition.withPattern(scope, value, pattern);
    };
  }

  #noOperator(operator: string, at: number): Evaluate {
    this.#fault(at, `"${operator}" is not an operator of the language`);
    return missing;
  }

  #fault(offset: number, message: string, hint?: string): void {
    this.faults.push({ offset, message, ...(hint === undefined ? {} : { hint }) });
  }
}

function calling(definition: RuleFunction, args: Evaluate[], at: number): Evaluate {
  const { run } = definition;
  const [first, second] = args;
  if (first !== undefined && args.length === 1) {
    return (scope) => {
      const a = first(scope);
      scope.at = at;
      return run(scope, a);
    };
  }
  if (first !== undefined && second !== undefined && args.length === 2) {
    return (scope) => {
      const a = first(scope);
      const b = second(scope);
      scope.at = at;
      return run(scope, a, b);
    };
  }
  return (scope) => {
    const values = args.map((argument) => argument(scope));
    scope.at = at;
    return run(scope, ...values);
  };
}

export function signature(definition: RuleFunction): string {
  return `${definition.name}(${definition.parameters})`;
}

function arity({ minimum, maximum }: RuleFunction): string {
  const count = (n: number): string => (n === 0 ? 'no arguments' : n === 1 ? '1 argument' : `${n} arguments`);
  if (minimum === maximum) return count(minimum);
  return maximum === Number.POSITIVE_INFINITY ? `at least ${count(minimum)}` : `${minimum} to ${count(maximum)}`;
}
