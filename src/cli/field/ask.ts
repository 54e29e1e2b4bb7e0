import { systemClock } from '../../clock.js';
import type { ModbusBus } from '../../field/modbus/bus.js';
import { openOwnBus } from '../../field/tools/own-bus.js';
import { silentLogger } from '../../log.js';
import type { Arguments, Io } from '../command.js';
import { refuseWhatABusHas } from './beside-gateway.js';
import { GatewayClient } from './gateway-client.js';
import { targetOf, timeoutOf, usage } from './options.js';

/** A question to a device, put in either of two ways. */
export interface Question<T> {
  /** Over a port or connection of the tool's own. */
  own(bus: ModbusBus): Promise<T>;
  /** Through the running gateway; `path` is that of the bus in its API. */
  gateway(client: GatewayClient, path: string, bus: string): Promise<T>;
}

const OF_OWN = ['port', 'host', 'baud', 'parity', 'stop-bits', 'data-bits', 'rtu', 'ascii', 'timeout'];

/** The bus of --bus; undefined: the tool opens a port or host itself. `allowed`: options of those that make sense with it. */
export function busOption(args: Arguments, allowed: readonly string[] = []): string | undefined {
  const bus = args.text('bus');
  const senseless = OF_OWN.find((name) => !allowed.includes(name) && (args.flag(name) || args.text(name) !== undefined));
  if (bus === undefined || senseless === undefined) return bus;
  throw usage(
    `--${senseless} says nothing to a bus of the gateway, which has its own settings.`,
    'Leave out --bus, or what goes with a port or host.',
  );
}

/** Asks over a bus of the running gateway (--bus), or a connection of its own where no gateway has it already. */
export async function ask<T>(question: Question<T>, args: Arguments, io: Io, timeoutMs?: number): Promise<T> {
  const name = busOption(args);
  if (name !== undefined) {
    const client = await GatewayClient.open(args, io);
    try {
      return await question.gateway(client, busPath(name), name);
    } finally {
      await client.close();
    }
  }
  const target = targetOf(args);
  await refuseWhatABusHas(target, args, io);
  const bus = await openOwnBus(target, timeoutMs ?? timeoutOf(args, target), systemClock, silentLogger);
  try {
    return await question.own(bus);
  } finally {
    await bus.stop();
  }
}

export function busPath(name: string): string {
  return `/buses/${encodeURIComponent(name)}`;
}
