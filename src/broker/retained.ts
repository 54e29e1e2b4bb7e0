import { messageBytes, type StoredMessage } from '../store/types.js';
import { RetainedNode as Node } from './retained-node.js';

/** Makes retained messages that are not kept but follow from something else, at the moment somebody asks. */
export type RetainedSource = (filter: string, now: number) => Iterable<StoredMessage>;

/** Longer topics are looked for in the tree: the longest are all alike to a hash map. */
const MAX_LENGTH = 256;

/** The retained messages, in memory, found by filter without walking topics that can't match. */
export class Retained {
  readonly #root = new Node();
  /** Those with a message, by topic where it is not long: most are set again and again. */
  readonly #nodes = new Map<string, Node>();
  #count = 0;
  #bytes = 0;
  /** messageBytes() of all. */
  #size = 0;
  /** Messages that expire some day. */
  #expiring = 0;
  #expiryWalk: RetainedWalk | null = null;
  #changes = 0;
  /** Asked for filters that begin with `$`. They count nowhere. */
  systemSource: RetainedSource | null = null;

  /** Messages that are kept; volatile ones count nowhere. */
  get count(): number {
    return this.#count;
  }

  /** Counts every message that was set; tells what is newer than something else. */
  get changes(): number {
    return this.#changes;
  }

  /** Payload bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Could the message be kept without exceeding so many messages and bytes (messageBytes())? */
  hasRoomFor(message: StoredMessage, maxMessages: number, maxBytes: number): boolean {
    // All of them together are far from the limit: no need to look for the one that it replaces.
    const size = this.#size + messageBytes(message);
    if (this.#count < maxMessages && size <= maxBytes) return true;
    const former = this.#find(message.topic);
    return former?.isKept === true && this.#count <= maxMessages && size - former.size <= maxBytes;
  }

  /** Made anew at each call for most messages. */
  get(topic: string): StoredMessage | undefined {
    return this.#find(topic)?.message() ?? undefined;
  }

  /** Is this message the one that is kept of its topic? */
  holds(message: StoredMessage): boolean {
    return this.#find(message.topic)?.holds(message) === true;
  }

  /** What is kept of the message has bytes of its own. */
  set(topic: string, message: StoredMessage): void {
    const node = this.#nodeOf(topic);
    if (node.isKept) this.#countOut(node);
    node.keep(message);
    node.changedAt = ++this.#changes;
    this.#count++;
    this.#bytes += node.payloadLength;
    this.#size += node.size;
    if (message.expiresAt !== 0) this.#expiring++;
  }

  /** A figure that means nothing after a restart. */
  setVolatile(topic: string, message: StoredMessage): void {
    const node = this.#nodeOf(topic);
    if (node.isKept) this.#countOut(node);
    node.keepVolatile(message);
  }

  delete(topic: string): boolean {
    const path: { parent: Node; level: string }[] = [];
    let node = this.#root;
    for (const level of topic.split('/')) {
      const child = node.child(level);
      if (child === null) return false;
      path.push({ parent: node, level });
      node = child;
    }
    if (!node.isSet) return false;
    if (node.isKept) this.#countOut(node);
    node.clear();
    this.#nodes.delete(topic);
    for (let i = path.length - 1; i >= 0 && node.isEmpty; i--) {
      const { parent, level } = path[i]!;
      parent.drop(level);
      node = parent;
    }
    return true;
  }

  #countOut(node: Node): void {
    this.#count--;
    this.#bytes -= node.payloadLength;
    this.#size -= node.size;
    if (node.expiresAt !== 0) this.#expiring--;
  }

  /** May the filter match something? For one with wildcards: maybe. */
  mayMatch(filter: string): boolean {
    return filter.startsWith('$') || /[+#]/.test(filter) || this.#find(filter)?.isSet === true;
  }

  /** Messages whose topic matches the filter, those past their expiry left out. */
  match(filter: string, now: number): StoredMessage[] {
    const walk = this.walk(filter);
    const found: StoredMessage[] = [];
    for (let message = walk.next(now); message !== null; message = walk.next(now)) found.push(message);
    return found;
  }

  /** Of a long topic: maybe one without a message. */
  #find(topic: string): Node | undefined {
    if (topic.length <= MAX_LENGTH) return this.#nodes.get(topic);
    let node: Node | null = this.#root;
    for (const level of topic.split('/')) {
      node = node.child(level);
      if (node === null) return undefined;
    }
    return node;
  }

  #nodeOf(topic: string): Node {
    let node = this.#nodes.get(topic);
    if (node === undefined) {
      node = this.#root;
      for (const level of topic.split('/')) node = node.childOrNew(level);
      if (topic.length <= MAX_LENGTH) this.#nodes.set(topic, node);
    }
    return node;
  }

  /** The same bit by bit, for filters that match more than one turn of the event loop can send. */
  walk(filter: string): RetainedWalk {
    const source = filter.startsWith('$') ? this.systemSource : null;
    return new RetainedWalk(this.#root, filter.split('/'), source === null ? null : (now) => source(filter, now));
  }

  /** Topics whose message has expired. Looks at `maxNodes` levels and goes on from there the next time. */
  expired(now: number, maxNodes = Number.POSITIVE_INFINITY): string[] {
    const topics: string[] = [];
    if (this.#expiring === 0) return topics;
    this.#expiryWalk ??= new RetainedWalk(this.#root, null, null);
    const walk = this.#expiryWalk;
    const end = walk.visited + maxNodes;
    while (!walk.isDone && walk.visited < end) {
      const node = walk.step();
      if (node?.hasExpired(now) === true) topics.push(node.topic);
    }
    if (walk.isDone) this.#expiryWalk = null;
    return topics;
  }
}

/** Where a walk stands below one node. */
interface Frame {
  readonly children: IterableIterator<[string, Node]>;
  /** Level of the filter that stands for the children; -1: all that lies below matches. */
  readonly depth: number;
  /** [MQTT-4.7.2-1] Wildcards at the first level do not match topics that begin with $. */
  readonly skipsSystem: boolean;
}

/**
 * What a filter matches, one message after the other. Messages may come and go between the steps: each is the topic's
 * latest at the moment it is given out. Without recursion: a topic may have tens of thousands of levels.
 */
export class RetainedWalk {
  /** Nodes looked at. */
  visited = 0;
  /** Retained.changes when the message that was given last was set; 0: made for this walk. */
  changedAt = 0;
  readonly #levels: readonly string[] | null;
  readonly #frames: Frame[] = [];
  #source: ((now: number) => Iterable<StoredMessage>) | null;
  #system: Iterator<StoredMessage> | null = null;
  /** Where the root itself led to, not given out yet. */
  #first: Node | null;

  /** `levels`: of the filter; null: everything, also what begins with $. */
  constructor(root: Node, levels: readonly string[] | null, source: ((now: number) => Iterable<StoredMessage>) | null) {
    this.#levels = levels;
    this.#source = source;
    this.#first = this.#enter(root, levels === null ? -1 : 0, false);
  }

  get isDone(): boolean {
    return this.#first === null && this.#frames.length === 0 && this.#source === null && this.#system === null;
  }

  /** The next message that has not expired; null: there is none, or (see isDone) `maxNodes` were looked at in vain. */
  next(now: number, maxNodes = Number.POSITIVE_INFINITY): StoredMessage | null {
    const end = this.visited + maxNodes;
    while (this.visited < end && (this.#first !== null || this.#frames.length > 0)) {
      const node = this.step();
      if (node !== null && !node.hasExpired(now)) return node.message();
    }
    if (this.#first !== null || this.#frames.length > 0) return null;
    if (this.#source !== null) {
      this.#system = this.#source(now)[Symbol.iterator]();
      this.#source = null;
    }
    if (this.#system === null) return null;
    this.changedAt = 0;
    const made = this.#system.next();
    if (made.done !== true) return made.value;
    this.#system = null;
    return null;
  }

  /** Looks at one node; gives it where it has a message, expired or not, and the filter matches it. */
  step(): Node | null {
    const node = this.#first ?? this.#nextNode();
    this.#first = null;
    if (node === null || !node.isSet) return null;
    this.changedAt = node.changedAt;
    return node;
  }

  #nextNode(): Node | null {
    const frame = this.#frames.at(-1);
    if (frame === undefined) return null;
    const child = frame.children.next();
    if (child.done === true) {
      this.#frames.pop();
      return null;
    }
    const [name, node] = child.value;
    this.visited++;
    return frame.skipsSystem && name.startsWith('$') ? null : this.#enter(node, frame.depth, true);
  }

  /** Goes down from a node as far as only one way leads. */
  #enter(from: Node, at: number, isBelowRoot: boolean): Node | null {
    const levels = this.#levels;
    let node = from;
    let depth = at;
    for (;;) {
      const level = depth === -1 || levels === null ? '#' : levels[depth];
      if (level === undefined) return node;
      if (level === '#' || level === '+') {
        const skipsSystem = levels !== null && depth === 0 && !isBelowRoot;
        const below = level === '#' ? -1 : depth + 1;
        if (node.hasChildren) this.#frames.push({ children: node.children(), depth: below, skipsSystem });
        return level === '#' ? node : null;
      }
      const child = node.child(level);
      if (child === null) return null;
      this.visited++;
      node = child;
      depth++;
    }
  }
}
