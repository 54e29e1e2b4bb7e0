import { type Node, ParseFault } from './ast.js';
import { LIMITS } from './limits.js';
import type { RawNode } from './parser.js';

/** Words of JavaScript that are names for jsep, and what to say about them. */
const RESERVED: Readonly<Record<string, string>> = {
  this: 'there is no "this" in an expression',
  new: 'objects cannot be constructed in an expression',
  function: 'functions cannot be defined in an expression',
  typeof: 'there is no typeof; use isNumber, isText, isBool, isList, isObject or isNull',
  instanceof: 'there is no instanceof in an expression',
  void: 'there is no void in an expression',
  delete: 'nothing can be deleted in an expression',
  await: 'there is no await in an expression',
  async: 'functions cannot be defined in an expression',
  let: 'names are given under let, not inside an expression',
  const: 'names are given under let, not inside an expression',
  var: 'names are given under let, not inside an expression',
  undefined: 'there is no undefined; use null',
  NaN: 'there is no NaN; a result that is no number is null',
  Infinity: 'there is no Infinity; a result beyond the largest number is null',
  and: '"and" is not an operator of the language; write &&',
  or: '"or" is not an operator of the language; write ||',
  not: '"not" is not an operator of the language; write !',
};

/** Operators that jsep knows and the language does not have, with the function that does it. */
const BIT_FUNCTIONS: Readonly<Record<string, string>> = {
  '|': 'bitor(a, b)',
  '&': 'bitand(a, b)',
  '^': 'bitxor(a, b)',
  '~': 'bitnot(a, width)',
  '<<': 'shl(a, n)',
  '>>': 'shr(a, n)',
  '>>>': 'shr(a, n)',
};

/** jsep's tree as the nodes of the language; refuses what is not in it. `budget` counts the nodes of one expression. */
export function lower(raw: RawNode, budget: { nodes: number } = { nodes: LIMITS.nodes }): Node {
  const at = raw.at ?? 0;
  if (--budget.nodes < 0) {
    throw new ParseFault(at, `the expression has more than ${LIMITS.nodes} parts`, 'Give parts of it a name under let.');
  }
  const sub = (key: string): Node => lower(raw[key] as RawNode, budget);
  switch (raw.type) {
    case 'Literal':
      return { type: 'literal', at, value: raw.value as string | number | boolean | null };
    case 'Identifier':
      return { type: 'name', at, name: checkedName(String(raw.name), at) };
    case 'ThisExpression':
      throw new ParseFault(at, 'there is no "this" in an expression');
    case 'MemberExpression': {
      const property = raw.property as RawNode;
      const object = sub('object');
      if (raw.computed === true) return { type: 'index', at, object, index: lower(property, budget) };
      return { type: 'member', at, object, key: String(property.name) };
    }
    case 'CallExpression':
      return lowerCall(raw, budget);
    case 'UnaryExpression': {
      const operator = String(raw.operator);
      refuseBits(operator, at);
      return { type: 'unary', at, operator, argument: sub('argument') };
    }
    case 'BinaryExpression': {
      const operator = String(raw.operator);
      refuseBits(operator, at);
      return { type: 'binary', at, operator, left: sub('left'), right: sub('right') };
    }
    case 'ConditionalExpression':
      return { type: 'conditional', at, test: sub('test'), consequent: sub('consequent'), alternate: sub('alternate') };
    case 'ArrayExpression':
      return { type: 'list', at, elements: (raw.elements as RawNode[]).map((element) => lower(element, budget)) };
    case 'ObjectExpression':
      return lowerObject(raw, at, budget);
    default:
      throw new ParseFault(at, 'this is not part of the language');
  }
}

function lowerCall(raw: RawNode, budget: { nodes: number }): Node {
  const callee = raw.callee as RawNode;
  const at = callee.at ?? raw.at ?? 0;
  if (callee.type === 'MemberExpression' && callee.computed !== true) {
    const property = callee.property as RawNode;
    const name = String(property.name);
    throw new ParseFault(
      property.at ?? at,
      `values have no methods: .${name}() cannot be called`,
      'Use a function of the list, as in lower(payload.name).',
    );
  }
  if (callee.type !== 'Identifier') throw new ParseFault(at, 'only the functions of the list can be called');
  const args = (raw.arguments as RawNode[]).map((argument) => lower(argument, budget));
  return { type: 'call', at, name: checkedName(String(callee.name), at), args };
}

function lowerObject(raw: RawNode, at: number, budget: { nodes: number }): Node {
  const seen = new Set<string>();
  const entries = (raw.entries as { key: string; at: number; value: RawNode }[]).map((entry) => {
    if (seen.has(entry.key)) throw new ParseFault(entry.at, `the key ${JSON.stringify(entry.key)} stands twice in one object`);
    seen.add(entry.key);
    return { key: entry.key, value: lower(entry.value, budget) };
  });
  return { type: 'object', at, entries };
}

function checkedName(name: string, at: number): string {
  const refused = Object.hasOwn(RESERVED, name) ? RESERVED[name] : undefined;
  if (refused !== undefined) throw new ParseFault(at, refused);
  return name;
}

function refuseBits(operator: string, at: number): void {
  const instead = BIT_FUNCTIONS[operator];
  if (instead !== undefined) throw new ParseFault(at, `"${operator}" is not an operator of the language`, `Use ${instead}.`);
}
