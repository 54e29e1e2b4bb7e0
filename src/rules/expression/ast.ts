import type { Value } from './values.js';

/** A parsed expression. `at`: offset in the text of what the node is named by (an operator, a name, an opening bracket). */
export type Node =
  | { type: 'literal'; at: number; value: Value }
  | { type: 'name'; at: number; name: string }
  | { type: 'member'; at: number; object: Node; key: string }
  | { type: 'index'; at: number; object: Node; index: Node }
  | { type: 'call'; at: number; name: string; args: Node[] }
  | { type: 'unary'; at: number; operator: string; argument: Node }
  | { type: 'binary'; at: number; operator: string; left: Node; right: Node }
  | { type: 'conditional'; at: number; test: Node; consequent: Node; alternate: Node }
  | { type: 'list'; at: number; elements: Node[] }
  | { type: 'object'; at: number; entries: { key: string; value: Node }[] };

/** What is wrong with an expression, and where in its text. */
export interface Fault {
  offset: number;
  message: string;
  /** What to write instead, as a full sentence. */
  hint?: string;
}

/** Thrown by the parser, which stops at the first fault. */
export class ParseFault extends Error {
  readonly fault: Fault;

  constructor(offset: number, message: string, hint?: string) {
    super(message);
    this.name = 'ParseFault';
    this.fault = { offset, message, ...(hint === undefined ? {} : { hint }) };
  }
}
