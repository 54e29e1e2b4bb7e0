import type { FerruleError } from '../errors.js';

/** Everything that is wrong with a configuration, in the order of the file. */
export class ConfigErrors extends Error {
  readonly errors: readonly FerruleError[];

  /** false: what goes together (references, addresses, topics) was not looked at, as parts can't be read. */
  readonly isComplete: boolean;

  constructor(errors: readonly FerruleError[], isComplete = true) {
    super(errors.map((error) => error.toLine()).join('\n'));
    this.name = 'ConfigErrors';
    this.errors = errors;
    this.isComplete = isComplete;
  }
}

/** By file, line and column; a fault without a place comes first. */
export function inOrder(errors: readonly FerruleError[]): FerruleError[] {
  return [...errors].sort(
    (a, b) =>
      (a.where?.file ?? '').localeCompare(b.where?.file ?? '') ||
      (a.where?.line ?? 0) - (b.where?.line ?? 0) ||
      (a.where?.column ?? 0) - (b.where?.column ?? 0),
  );
}
