/**
 * A node of a tree of topics or filters, with its children by the names of their levels. Most nodes have one child at the
 * most, and there may be millions of nodes: an only child is held as it is, and a map is made for more.
 */
export abstract class LevelNode<Child> {
  private only: Child | null = null;
  private onlyName = '';
  private named: Map<string, Child> | null = null;

  get hasChildren(): boolean {
    return this.only !== null || this.named !== null;
  }

  child(name: string): Child | null {
    if (this.only !== null) return this.onlyName === name ? this.only : null;
    return this.named?.get(name) ?? null;
  }

  /** Adds a child under a name that no child has. */
  put(name: string, child: Child): void {
    if (this.named !== null) {
      this.named.set(name, child);
    } else if (this.only === null) {
      this.only = child;
      this.onlyName = name;
    } else {
      this.named = new Map([
        [this.onlyName, this.only],
        [name, child],
      ]);
      this.only = null;
      this.onlyName = '';
    }
  }

  /** Lets go of a child that is there. */
  drop(name: string): void {
    if (this.named === null) {
      this.only = null;
      this.onlyName = '';
    } else {
      this.named.delete(name);
      if (this.named.size === 0) this.named = null;
    }
  }

  /** Names and children; what comes and goes meanwhile may be among them or not. */
  children(): IterableIterator<[string, Child]> {
    if (this.named !== null) return this.named.entries();
    const only: [string, Child][] = this.only === null ? [] : [[this.onlyName, this.only]];
    return only.values();
  }
}
