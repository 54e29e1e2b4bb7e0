import type { StoredMessage } from '../store/types.js';

/** Makes retained messages that are not kept but follow from something else, at the moment somebody asks. */
export type RetainedSource = (filter: string, now: number) => Iterable<StoredMessage>;

/** The retained messages, in memory, found by filter without walking topics that can't match. */
export class Retained {
  readonly #root = new Node();
  #count = 0;
  #bytes = 0;
  /** Asked for filters that begin with `$`. They count nowhere. */
  systemSource: RetainedSource | null = null;

  get count(): number {
    return this.#count;
  }

  /** Payload bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  get(topic: string): StoredMessage | undefined {
    let node: Node | undefined = this.#root;
    for (const level of topic.split('/')) {
      node = node.children?.get(level);
      if (node === undefined) return undefined;
    }
    return node.message ?? undefined;
  }

  set(topic: string, message: StoredMessage): void {
    let node = this.#root;
    for (const level of topic.split('/')) node = node.childOrNew(level);
    if (node.message === null) this.#count++;
    else this.#bytes -= node.message.payload.length;
    node.message = message;
    this.#bytes += message.payload.length;
  }

  delete(topic: string): boolean {
    const path: { parent: Node; level: string }[] = [];
    let node = this.#root;
    for (const level of topic.split('/')) {
      const child = node.children?.get(level);
      if (child === undefined) return false;
      path.push({ parent: node, level });
      node = child;
    }
    if (node.message === null) return false;
    this.#bytes -= node.message.payload.length;
    node.message = null;
    this.#count--;
    for (let i = path.length - 1; i >= 0 && node.isEmpty; i--) {
      const { parent, level } = path[i]!;
      parent.children!.delete(level);
      node = parent;
    }
    return true;
  }

  /** Messages whose topic matches the filter, those past their expiry left out. */
  match(filter: string, now: number): StoredMessage[] {
    const found: StoredMessage[] = [];
    collect(this.#root, filter.split('/'), 0, now, found);
    if (this.systemSource !== null && filter.startsWith('$')) found.push(...this.systemSource(filter, now));
    return found;
  }

  /** Topics whose message has expired. */
  expired(now: number): string[] {
    const all: StoredMessage[] = [];
    collectBelow(this.#root, 0, all, (message) => message.expiresAt !== 0 && message.expiresAt <= now);
    return all.map((message) => message.topic);
  }
}

class Node {
  children: Map<string, Node> | null = null;
  message: StoredMessage | null = null;

  get isEmpty(): boolean {
    return this.message === null && (this.children === null || this.children.size === 0);
  }

  childOrNew(level: string): Node {
    this.children ??= new Map();
    let child = this.children.get(level);
    if (child === undefined) {
      child = new Node();
      this.children.set(level, child);
    }
    return child;
  }
}

function collect(node: Node, filter: string[], depth: number, now: number, into: StoredMessage[]): void {
  if (depth === filter.length) {
    take(node, now, into);
    return;
  }
  const level = filter[depth]!;
  if (level === '#') {
    collectBelow(node, depth, into, (message) => isCurrent(message, now));
    return;
  }
  if (node.children === null) return;
  if (level === '+') {
    for (const [name, child] of node.children) {
      if (depth === 0 && name.startsWith('$')) continue; // [MQTT-4.7.2-1]
      collect(child, filter, depth + 1, now, into);
    }
    return;
  }
  const child = node.children.get(level);
  if (child !== undefined) collect(child, filter, depth + 1, now, into);
}

function collectBelow(node: Node, depth: number, into: StoredMessage[], wanted: (message: StoredMessage) => boolean): void {
  if (node.message !== null && wanted(node.message)) into.push(node.message);
  if (node.children === null) return;
  for (const [name, child] of node.children) {
    if (depth === 0 && name.startsWith('$')) continue; // [MQTT-4.7.2-1]
    collectBelow(child, depth + 1, into, wanted);
  }
}

function take(node: Node, now: number, into: StoredMessage[]): void {
  if (node.message !== null && isCurrent(node.message, now)) into.push(node.message);
}

function isCurrent(message: StoredMessage, now: number): boolean {
  return message.expiresAt === 0 || message.expiresAt > now;
}
