import { FerruleError } from '../errors.js';
import type { QoS } from '../mqtt/packets.js';
import { matches, parseShared, topicLevels, validateFilter, validateTopicName } from '../mqtt/topics.js';

/** Values for `{gateway}` and `{bridge}`. */
export interface TemplateVariables {
  gateway: string;
  bridge: string;
}

type Part =
  | { kind: 'text'; text: string }
  | { kind: 'topic' }
  | { kind: 'rest' }
  /** Zero-based. `plus`: what the n-th `+` matched; `level`: the n-th level of the topic. */
  | { kind: 'plus' | 'level'; index: number; level: number };

const HINT = 'Known are {topic}, {rest}, {+1}, {1}, {gateway} and {bridge}.';

/** One `topic` -> `to` of a bridge, compiled. */
export class TopicMapping {
  readonly filter: string;
  readonly template: string;
  readonly qos: QoS;
  /** Every topic that can come out matches this pattern: a filter in which # may stand anywhere. */
  readonly image: string[];
  readonly #parts: Part[];
  /** Level at which # stands; -1: none. */
  readonly #restAt: number;

  /** Throws FER_BRIDGE_MAPPING where the filter or the template cannot work; `where.subject` is 'topic' or 'to'. */
  constructor(filter: string, template: string, qos: QoS, variables: TemplateVariables) {
    const fault = parseShared(filter) === null ? validateFilter(filter) : 'is a shared subscription, which a bridge cannot use';
    if (fault !== null)
      throw mappingFault('topic', `The filter ${JSON.stringify(filter)} ${fault}.`, 'Write a plain MQTT filter such as field/#.');
    this.filter = filter;
    this.template = template;
    this.qos = qos;
    const levels = topicLevels(filter);
    this.#restAt = levels.indexOf('#');
    this.#parts = parseTemplate(template, levels, variables);
    this.image = this.#parts
      .map((part) => imageOf(part, filter))
      .join('')
      .split('/')
      .map((level) => (level.includes('#') ? '#' : level.includes('+') ? '+' : level));
  }

  matches(topic: string): boolean {
    return matches(this.filter, topic);
  }

  /** The topic on the other side for one that matches, or null where that would be no topic (empty, too long). */
  map(topic: string): string | null {
    const levels = topicLevels(topic);
    let out = '';
    for (const part of this.#parts) {
      switch (part.kind) {
        case 'text':
          out += part.text;
          break;
        case 'topic':
          out += topic;
          break;
        case 'rest': {
          const rest = levels.slice(this.#restAt).join('/');
          // `a/#` matches `a` too: then `b/{rest}` is `b`, not `b/`.
          if (levels.length <= this.#restAt && out.endsWith('/')) out = out.slice(0, -1);
          else out += rest;
          break;
        }
        case 'plus':
        case 'level':
          out += levels[part.level] ?? '';
          break;
      }
    }
    return validateTopicName(out) === null ? out : null;
  }
}

/** The first mapping that matches. */
export function findMapping(mappings: readonly TopicMapping[], topic: string): TopicMapping | null {
  for (const mapping of mappings) if (mapping.matches(topic)) return mapping;
  return null;
}

/** Fills in `{gateway}` and `{bridge}` (client ids). Throws FER_BRIDGE_MAPPING for any other name. */
export function fillVariables(text: string, variables: TemplateVariables): string {
  return text.replace(/\{([^}]*)\}/g, (all, name: string) => {
    if (name === 'gateway') return variables.gateway;
    if (name === 'bridge') return variables.bridge;
    throw mappingFault('client_id', `${all} is not known here.`, 'Known are {gateway} and {bridge}.');
  });
}

function parseTemplate(template: string, levels: string[], variables: TemplateVariables): Part[] {
  const parts: Part[] = [];
  const fail = (cause: string, hint: string): never => {
    throw mappingFault('to', `${JSON.stringify(template)}: ${cause}.`, hint);
  };
  for (const piece of template.split(/(\{[^}]*\})/)) {
    if (piece === '') continue;
    if (!piece.startsWith('{') || !piece.endsWith('}')) parts.push({ kind: 'text', text: literal(piece, fail) });
    else parts.push(placeholder(piece, levels, variables, fail));
  }
  return parts;
}

type Fail = (cause: string, hint: string) => never;

function literal(text: string, fail: Fail): string {
  if (/[{}]/.test(text)) fail('a brace stands alone', HINT);
  const fault = validateTopicName(text);
  return fault === null ? text : fail(`it ${fault}`, 'A topic to publish to has no wildcards; use {+1} and {rest} for what they matched.');
}

function placeholder(piece: string, levels: string[], variables: TemplateVariables, fail: Fail): Part {
  const name = piece.slice(1, -1);
  if (name === 'topic') return { kind: 'topic' };
  if (name === 'gateway') return { kind: 'text', text: literal(variables.gateway, fail) };
  if (name === 'bridge') return { kind: 'text', text: literal(variables.bridge, fail) };
  if (name === 'rest') {
    if (!levels.includes('#')) fail('{rest} needs a # in the filter', 'End the filter with /# or leave {rest} out.');
    return { kind: 'rest' };
  }
  const number = /^(\+?)([1-9][0-9]?)$/.exec(name);
  if (number === null) return fail(`${piece} is not known`, HINT);
  const index = Number(number[2]) - 1;
  if (number[1] === '+') {
    const level = levels.flatMap((text, at) => (text === '+' ? [at] : []))[index];
    return level === undefined
      ? fail(`${piece} needs ${index + 1} + in the filter`, 'Count the + of the filter from the left; {rest} is what # matched.')
      : { kind: 'plus', index, level };
  }
  const fixed = levels.filter((level) => level !== '#').length;
  if (index >= fixed) fail(`${piece} lies beyond the ${fixed} fixed levels of the filter`, 'Use {rest} for what # matched.');
  return { kind: 'level', index, level: index };
}

function imageOf(part: Part, filter: string): string {
  switch (part.kind) {
    case 'text':
      return part.text;
    case 'topic':
      return filter;
    case 'rest':
      return '#';
    case 'plus':
      return '+';
    case 'level':
      return topicLevels(filter)[part.level] ?? '+';
  }
}

/** Whether a topic exists that matches both patterns, in which # may stand anywhere and matches any number of levels. */
export function patternsOverlap(a: readonly string[], b: readonly string[], i = 0, j = 0): boolean {
  const left = a[i];
  const right = b[j];
  if (left === undefined && right === undefined) return true;
  if (left === '#') return patternsOverlap(a, b, i + 1, j) || (right !== undefined && patternsOverlap(a, b, i, j + 1));
  if (right === '#') return patternsOverlap(a, b, i, j + 1) || (left !== undefined && patternsOverlap(a, b, i + 1, j));
  if (left === undefined || right === undefined) return false;
  return (left === '+' || right === '+' || left === right) && patternsOverlap(a, b, i + 1, j + 1);
}

function mappingFault(subject: string, message: string, hint: string): FerruleError {
  return new FerruleError('FER_BRIDGE_MAPPING', message, { hint, where: { subject } });
}
