/**
 * Subscriptions by topic filter. A match walks one path per level, so its cost depends on the filters that match and
 * on the depth of the topic, never on how many other subscriptions exist.
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
    for (const level of filter.split('/')) node = node.childOrNew(level);
    node.values.push(value);
    this.#size++;
    this.#generation++;
  }

  /** Removes the value from the filter; false where it was not there. Nodes that hold nothing any more go with it. */
  remove(filter: string, value: T): boolean {
    const path: { parent: Node<T>; level: string }[] = [];
    let node = this.#root;
    for (const level of filter.split('/')) {
      const child = node.children?.get(level);
      if (child === undefined) return false;
      path.push({ parent: node, level });
      node = child;
    }
    const index = node.values.indexOf(value);
    if (index === -1) return false;
    node.values.splice(index, 1);
    this.#size--;
    this.#generation++;
    for (let i = path.length - 1; i >= 0 && node.isEmpty; i--) {
      const { parent, level } = path[i]!;
      parent.children!.delete(level);
      node = parent;
    }
    return true;
  }

  /** Appends the values of every filter that matches the topic name to `into`. */
  match(topic: string, into: T[]): void {
    const levels = topic.split('/');
    // [MQTT-4.7.2-1] Wildcards at the first level do not match topics that begin with $.
    collect(this.#root, levels, 0, topic.charCodeAt(0) === 0x24, into);
  }
}

class Node<T> {
  children: Map<string, Node<T>> | null = null;
  readonly values: T[] = [];

  get isEmpty(): boolean {
    return this.values.length === 0 && (this.children === null || this.children.size === 0);
  }

  childOrNew(level: string): Node<T> {
    this.children ??= new Map();
    let child = this.children.get(level);
    if (child === undefined) {
      child = new Node<T>();
      this.children.set(level, child);
    }
    return child;
  }
}

function collect<T>(node: Node<T>, levels: string[], depth: number, system: boolean, into: T[]): void {
  const children = node.children;
  const wildcards = !(system && depth === 0);
  if (children !== null && wildcards) {
    // [MQTT-4.7.1-2] '#' matches its parent level too.
    const rest = children.get('#');
    if (rest !== undefined) append(rest.values, into);
  }
  if (depth === levels.length) {
    append(node.values, into);
    return;
  }
  if (children === null) return;
  const exact = children.get(levels[depth]!);
  if (exact !== undefined) collect(exact, levels, depth + 1, system, into);
  if (wildcards) {
    const any = children.get('+');
    if (any !== undefined) collect(any, levels, depth + 1, system, into);
  }
}

function append<T>(from: readonly T[], into: T[]): void {
  for (let i = 0; i < from.length; i++) into.push(from[i]!);
}
