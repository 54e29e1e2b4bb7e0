import type { Message } from '../mqtt/message.js';

/** What the rules need of the broker: a part of the gateway's messaging port. */
export interface RulesMessaging {
  /** Resolves when the message is safe (acknowledged), rejects with a FerruleError otherwise. */
  publish(message: Message): Promise<void>;
  /**
   * Calls back for every matching message until the returned function is called. Retained messages come first: they
   * are handed over before the call returns, and the rules tell them from live ones by that.
   */
  subscribe(filter: string, handler: (message: Message) => void): () => void;
  /** Retained messages that match. */
  retained(filter: string): Message[];
}

/** What the rules need of the devices: a part of the gateway's field port. */
export interface RulesField {
  /** Resolves with the value that was written; rejects with a FerruleError in words. */
  write(device: string, tag: string, value: number | string | boolean): Promise<unknown>;
}
