/** Topics remembered per connection; past that the cache starts anew. */
const MAX_TOPICS = 256;

/** Decisions on what one connection may publish to. Forgotten when the rules change. */
export class AuthorizationCache {
  #topics: Map<string, boolean> | null = null;
  #revision = -1;

  get(topic: string, revision: number): boolean | undefined {
    return this.#revision === revision ? this.#topics?.get(topic) : undefined;
  }

  set(topic: string, revision: number, allowed: boolean): void {
    if (this.#revision !== revision || this.#topics === null || this.#topics.size >= MAX_TOPICS) {
      this.#topics = new Map();
      this.#revision = revision;
    }
    this.#topics.set(topic, allowed);
  }
}
