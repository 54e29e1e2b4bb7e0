import { LevelNode } from './level-node.js';

/**
 * Subscriptions by topic filter. A match walks one path per level, so its cost depends on the filters that match and
 * on the depth of the topic, never on how many other subscriptions exist. Values must be no arrays.
 *
 * Most nodes have no wildcard and one value at the most, and there may be millions: one value is held as it is.
 */
export class TopicTrie<T> {
  readonly #root = new Node<T>();
  #size = 0;
  #generation = 0;

  get size(): number {
    return this.#size;
  }

  /** Changes with every change of content: what was computed from a match at one generation holds until the next. */
  get generation(): number {
    return this.#generation;
  }

  add(filter: string, value: T): void {
    let node = this.#root;
    const levels = filter.split('/');
    const endsInRest = levels.at(-1) === REST;
    if (endsInRest) levels.pop();
    for (const level of levels) node = node.childOrNew(level);
    if (endsInRest) node.rest = withValue(node.rest, value);
    else node.values = withValue(node.values, value);
    this.#size++;
    this.#generation++;
  }

  /** Removes the value from the filter; false where it was not there. Nodes that hold nothing any more go with it. */
  remove(filter: string, value: T): boolean {
    if (!removeBelow(this.#root, filter.split('/'), 0, value)) return false;
    this.#size--;
    this.#generation++;
    return true;
  }

  /** Appends the values of every filter that matches the topic name to `into`. */
  match(topic: string, into: T[]): void {
    const levels = topic.split('/');
    const root = this.#root;
    // [MQTT-4.7.2-1] Wildcards at the first level do not match topics that begin with $.
    if (topic.charCodeAt(0) !== DOLLAR) {
      collect(root, levels, 0, into);
      return;
    }
    const child = root.child(levels[0]!);
    if (child !== null) collect(child, levels, 1, into);
  }
}

const ANY = '+';
const REST = '#';
const DOLLAR = 0x24;

/** None, one, or several. */
type Values<T> = T | T[] | null;

class Node<T> extends LevelNode<Node<T>> {
  /** Of filters that end here. */
  values: Values<T> = null;
  /** Of filters that end in `#` below here. */
  rest: Values<T> = null;
  /** The child for `+`. */
  any: Node<T> | null = null;

  get isEmpty(): boolean {
    return this.values === null && this.rest === null && this.any === null && !this.hasChildren;
  }

  childOrNew(level: string): Node<T> {
    if (level === ANY) {
      this.any ??= new Node();
      return this.any;
    }
    let child = this.child(level);
    if (child === null) {
      child = new Node<T>();
      this.put(level, child);
    }
    return child;
  }
}

function removeBelow<T>(node: Node<T>, levels: readonly string[], depth: number, value: T): boolean {
  if (depth === levels.length) {
    if (!hasValue(node.values, value)) return false;
    node.values = withoutValue(node.values, value);
    return true;
  }
  const level = levels[depth]!;
  if (level === REST) {
    if (!hasValue(node.rest, value)) return false;
    node.rest = withoutValue(node.rest, value);
    return true;
  }
  const child = level === ANY ? node.any : node.child(level);
  if (child === null || !removeBelow(child, levels, depth + 1, value)) return false;
  if (!child.isEmpty) return true;
  if (level === ANY) node.any = null;
  else node.drop(level);
  return true;
}

function collect<T>(node: Node<T>, levels: readonly string[], depth: number, into: T[]): void {
  // [MQTT-4.7.1-2] '#' matches its parent level too.
  if (node.rest !== null) append(node.rest, into);
  if (depth === levels.length) {
    if (node.values !== null) append(node.values, into);
    return;
  }
  const exact = node.child(levels[depth]!);
  if (exact !== null) collect(exact, levels, depth + 1, into);
  if (node.any !== null) collect(node.any, levels, depth + 1, into);
}

function append<T>(values: T | T[], into: T[]): void {
  if (!Array.isArray(values)) into.push(values);
  else for (let i = 0; i < values.length; i++) into.push(values[i]!);
}

function withValue<T>(values: Values<T>, value: T): Values<T> {
  if (values === null) return value;
  if (!Array.isArray(values)) return [values, value];
  values.push(value);
  return values;
}

function hasValue<T>(values: Values<T>, value: T): boolean {
  return Array.isArray(values) ? values.includes(value) : values === value;
}

function withoutValue<T>(values: Values<T>, value: T): Values<T> {
  if (!Array.isArray(values)) return null;
  values.splice(values.indexOf(value), 1);
  return values.length === 1 ? values[0]! : values;
}
