import type { TestContext } from 'node:test';
import { systemClock } from '../../src/clock.js';
import { Converter } from '../../src/config/convert.js';
import { fillDefaults } from '../../src/config/fill.js';
import { isValid } from '../../src/config/is-valid.js';
import type { JsonSchema } from '../../src/config/json-schema.js';
import { Secrets } from '../../src/config/secrets.js';
import { validator } from '../../src/config/validate.js';
import { checkField } from '../../src/field/check-config.js';
import { Field } from '../../src/field/field.js';
import type { Receipt, TagJson } from '../../src/field/ports.js';
import { type FieldConfig, FieldSchema } from '../../src/field/schema.js';
import { silentLogger } from '../../src/log.js';
import type { Message } from '../../src/mqtt/message.js';
import { waitFor } from '../support/wait-for.js';

const schema = FieldSchema as unknown as JsonSchema;

/** A field section as people write it, with defaults filled in and units converted. Throws what validation says. */
export async function fieldConfig(written: unknown): Promise<FieldConfig> {
  const filled = fillDefaults(schema, written, isValid);
  const findings = validator.validate(schema, filled);
  const converter = new Converter({
    directory: '/',
    secrets: new Secrets({ configFile: '/ferrule.yaml', credentialsDirectory: undefined }),
    checkFiles: false,
    isValid,
  });
  const config = (await converter.convert(schema, filled)) as FieldConfig;
  if (findings.length === 0) findings.push(...checkField(config));
  if (findings.length > 0) throw new Error(findings.map(({ path, message }) => `${path.join('.')}: ${message}`).join('\n'));
  return config;
}

/** What the field hears and says, kept in memory in the place of the broker. */
export class Messages {
  readonly all: Message[] = [];
  readonly retained = new Map<string, Message>();
  readonly #subscriptions = new Set<{ filter: string[]; handler: (message: Message) => void }>();

  publish(message: Message, receipt?: Receipt): void {
    this.all.push(message);
    if (message.retain) {
      if (message.payload.length === 0) this.retained.delete(message.topic);
      else this.retained.set(message.topic, message);
    }
    for (const { filter, handler } of [...this.#subscriptions]) if (matches(filter, message.topic)) handler(message);
    queueMicrotask(() => receipt?.settled(null));
  }

  subscribe(filter: string, handler: (message: Message) => void): () => void {
    const subscription = { filter: filter.split('/'), handler };
    this.#subscriptions.add(subscription);
    for (const message of this.retained.values()) if (matches(subscription.filter, message.topic)) handler(message);
    return () => this.#subscriptions.delete(subscription);
  }

  /** A client publishes. */
  send(topic: string, payload: string, more: Partial<Message> = {}): void {
    this.publish({ topic, payload: Buffer.from(payload), qos: 1, retain: false, properties: null, ...more });
  }

  on(topic: string): Message[] {
    return this.all.filter((message) => message.topic === topic);
  }

  json(topic: string): { v: TagJson; ts: number | null; q: string; reason?: string }[] {
    return this.on(topic).map((message) => JSON.parse(message.payload.toString('utf8')) as { v: TagJson; ts: number | null; q: string });
  }

  last(topic: string): Record<string, unknown> | undefined {
    return this.json(topic).at(-1) as Record<string, unknown> | undefined;
  }

  /** The last message of a topic, once it fits. */
  async until(topic: string, fits: (json: Record<string, unknown>) => boolean, timeout = 10_000): Promise<Record<string, unknown>> {
    const look = () => {
      const json = this.last(topic);
      return json !== undefined && fits(json) ? json : null;
    };
    return waitFor(look, { timeout, message: () => `${topic}; the last message is ${JSON.stringify(this.last(topic))}` });
  }
}

function matches(filter: readonly string[], topic: string): boolean {
  const levels = topic.split('/');
  return levels.length === filter.length && filter.every((level, index) => level === '+' || level === levels[index]);
}

export interface Running {
  field: Field;
  messages: Messages;
}

/** Starts a field; it is stopped when the test ends. */
export async function startField(t: TestContext, written: unknown, messages = new Messages()): Promise<Running> {
  const field = new Field({ config: await fieldConfig(written), messaging: messages, clock: systemClock, log: silentLogger });
  t.after(() => field.stop());
  await field.start();
  return { field, messages };
}
