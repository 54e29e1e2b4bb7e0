import type { TestContext } from 'node:test';
import type { Field } from '../../../src/field/field.js';
import { waitFor } from '../../support/wait-for.js';
import { type Running, startField } from '../support.js';

export interface Serving extends Running {
  /** Of the (first) server. */
  port: number;
}

/** A field with a server `s` on a free port of the loopback; waits until the tags named (`device/tag`) are good. */
export async function startServing(
  t: TestContext,
  field: Record<string, unknown>,
  server: Record<string, unknown>,
  good: string[] = [],
): Promise<Serving> {
  const running = await startField(t, { ...field, modbus_servers: [{ name: 's', port: 0, ...server }] });
  for (const name of good) await running.messages.until(`field/${name}`, ({ q }) => q === 'good');
  return { ...running, port: portOf(running.field) };
}

export function portOf(field: Field, index = 0): number {
  return field.modbusServers()[index]?.port ?? 0;
}

export function counters(field: Field) {
  return field.modbusServers()[0]!.counters;
}

/** Waits until a device's tags have this quality. */
export async function untilQuality(field: Field, device: string, tag: string, quality: string): Promise<void> {
  await waitFor(() => field.device(device)?.tags.find(({ name }) => name === tag)?.quality === quality, {
    message: () => `${device}/${tag} to be ${quality}; it is ${JSON.stringify(field.device(device)?.tags)}`,
  });
}
