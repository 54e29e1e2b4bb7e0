/**
 * What an expression may cost. The language has no loops and no functions of one's own, so an expression of bounded size
 * does a bounded number of steps; these bounds keep each step small as well.
 */
export const LIMITS = {
  /** Characters of one expression or template. */
  textLength: 4096,
  /** Nodes of one parsed expression. */
  nodes: 500,
  /** Parentheses, brackets, operators before a value and conditionals inside one another. */
  depth: 50,
  /** Characters of any text that an expression makes. */
  stringLength: 65_536,
  /** Elements of any list that an expression makes. */
  listLength: 10_000,
  /** Levels of a value that is compared, or turned into JSON. */
  valueDepth: 64,
  /** Characters of a regular expression. */
  patternLength: 1000,
  /** Patterns that are not literals, kept compiled for the whole program. */
  cachedPatterns: 100,
  /** Bytes of a payload that is read; a rule that reads the payload of a larger message fails. */
  payloadBytes: 262_144,
  /** Bytes of a payload that a rule publishes. */
  publishBytes: 262_144,
  /**
   * Units of work of one rule for one message: about a character touched or an element visited each, so that the
   * most expensive rule stays within ten milliseconds or so.
   */
  work: 300_000,
} as const;
