import { isUtf8 } from 'node:buffer';
import type { Message } from '../../mqtt/message.js';
import { LIMITS } from './limits.js';
import { type Budget, EvaluationFault, type Value } from './values.js';

/** A message as expressions see it; made once and shared by all rules that it reaches. */
export class MessageView {
  readonly message: Message;
  /** Wall ms of its arrival. */
  readonly ts: number;
  #payload: Value | undefined;
  #levels: string[] | undefined;

  constructor(message: Message, ts: number) {
    this.message = message;
    this.ts = ts;
  }

  /** The payload: what it says as JSON, else its text; null where it is empty or not UTF-8. Read when first asked for. */
  get payload(): Value {
    if (this.#payload === undefined) this.#payload = readPayload(this.message.payload);
    return this.#payload;
  }

  get levels(): string[] {
    this.#levels ??= this.message.topic.split('/');
    return this.#levels;
  }
}

/** What the expressions of one rule see and may spend during one run. */
export class Scope implements Budget {
  readonly view: MessageView | null;
  /** Wall ms: what now() says during the whole run. */
  readonly now: number;
  /** Wall ms since `when` holds without a break; null: it does not, or not yet. */
  since: number | null = null;
  /** The values under let, in their order. */
  readonly slots: Value[] = [];
  work: number = LIMITS.work;
  /** Offset of the call that runs, for a fault inside a function. */
  at = 0;

  /** `view`: null where no message started the run. */
  constructor(view: MessageView | null, now: number) {
    this.view = view;
    this.now = now;
  }
}

function readPayload(payload: Buffer): Value {
  if (payload.length === 0) return null;
  if (payload.length > LIMITS.payloadBytes) {
    throw new EvaluationFault(`the payload of ${payload.length} bytes is larger than the ${LIMITS.payloadBytes} bytes that rules read`);
  }
  if (!isUtf8(payload)) return null;
  const text = payload.toString('utf8');
  try {
    return withoutInfinity(JSON.parse(text));
  } catch {
    return text;
  }
}

/** JSON can write numbers beyond the largest double (1e999), which parse as Infinity. */
function withoutInfinity(value: unknown): Value {
  return typeof value === 'number' && !Number.isFinite(value) ? null : (value as Value);
}
