import { FerruleError } from '../../errors.js';
import type { BusStatus } from '../../field/ports.js';
import type { Place } from '../../field/tools/scan-request.js';
import type { Arguments, Io } from '../command.js';
import { GatewayClient } from './gateway-client.js';

/**
 * Refuses to open beside a running gateway what one of its buses has: a line has room for one master, and many devices for one
 * connection. Rejects with FER_CLI_IN_USE, which names the bus.
 */
export async function refuseWhatABusHas(where: Place, args: Arguments, io: Io): Promise<void> {
  const bus = await busOf(where, args, io);
  if (bus === null) return;
  const [option, what] = where.kind === 'line' ? ['--port', where.port] : ['--host', `${where.host}:${where.port}`];
  throw new FerruleError('FER_CLI_IN_USE', `${what} is bus ${bus} of the gateway that runs here.`, {
    where: { subject: what },
    hint: `Ask through the gateway, which goes on meanwhile: --bus ${bus} in the place of ${option} and the settings of the line.`,
  });
}

async function busOf(where: Place, args: Arguments, io: Io): Promise<string | null> {
  try {
    const gateway = await GatewayClient.here(args, io);
    if (gateway === null) return null;
    const query = where.kind === 'line' ? { port: where.port } : { host: where.host, tcpPort: String(where.port) };
    const { buses } = await gateway.get<{ buses: BusStatus[] }>(`/buses?${new URLSearchParams(query)}`);
    return buses[0]?.name ?? null;
  } catch (error) {
    if (!(error instanceof FerruleError)) throw error;
    // A port that is in use is refused by the system; of a host nobody else can tell.
    if (where.kind === 'host') io.err(`Whether the gateway that may run here uses ${where.host} is not known: ${error.message}\n`);
    return null;
  }
}
