import { FerruleError } from '../../errors.js';
import type { BusStatus } from '../../field/ports.js';
import { isInstrumentBus, usedByInstrument } from '../../field/tools/in-use.js';
import type { Place } from '../../field/tools/scan-request.js';
import type { Arguments, Io } from '../command.js';
import { GatewayClient } from './gateway-client.js';

/** What the tool that opens it speaks: only a bus of the same kind can take it. */
type Speaks = 'modbus' | 'bytes';

/**
 * Refuses to open beside a running gateway what one of its buses has: a line has room for one master, and many devices for one
 * connection. Rejects with FER_CLI_IN_USE, which names the bus.
 */
export async function refuseWhatABusHas(where: Place, args: Arguments, io: Io, speaks: Speaks = 'modbus'): Promise<void> {
  const bus = await busOf(where, args, io);
  if (bus === null) return;
  const what = where.kind === 'line' ? where.port : `${where.host}:${where.port}`;
  const { message, hint } = reasonOf(where, what, bus, speaks);
  throw new FerruleError('FER_CLI_IN_USE', message, { hint });
}

function reasonOf(where: Place, what: string, { name, type }: BusStatus, speaks: Speaks): { message: string; hint: string } {
  const isInstrument = isInstrumentBus({ type });
  if (isInstrument && speaks === 'modbus') return usedByInstrument(where, what, name);
  const message = `${what} is bus ${name} of the gateway that runs here.`;
  if (!isInstrument && speaks === 'bytes') {
    const hint = `It is a Modbus bus: 'ferrule modbus monitor ${name}' shows its frames. To send bytes by hand stop the gateway, or name another port.`;
    return { message, hint };
  }
  const option = where.kind === 'line' ? '--port' : '--host';
  const inPlaceOf = speaks === 'bytes' ? 'the port' : option;
  return {
    message,
    hint: `Ask through the gateway, which goes on meanwhile: --bus ${name} in the place of ${inPlaceOf} and the settings of the line.`,
  };
}

async function busOf(where: Place, args: Arguments, io: Io): Promise<BusStatus | null> {
  try {
    const gateway = await GatewayClient.here(args, io);
    if (gateway === null) return null;
    const query = where.kind === 'line' ? { port: where.port } : { host: where.host, tcpPort: String(where.port) };
    const { buses } = await gateway.get<{ buses: BusStatus[] }>(`/buses?${new URLSearchParams(query)}`);
    return buses[0] ?? null;
  } catch (error) {
    if (!(error instanceof FerruleError)) throw error;
    // A port that is in use is refused by the system; of a host nobody else can tell.
    if (where.kind === 'host') io.err(`Whether the gateway that may run here uses ${where.host} is not known: ${error.message}\n`);
    return null;
  }
}
