import { FerruleError } from '../../errors.js';
import type { Link } from '../../field/link/link.js';
import type { BusStatus } from '../../field/ports.js';
import type { MonitorFrame } from '../../field/tools/describe-frame.js';
import type { Io } from '../command.js';
import { busPath } from './ask.js';
import type { GatewayClient } from './gateway-client.js';
import { usage } from './options.js';

/** Where bytes go to and come from. */
export interface Way {
  name: string;
  /** Opens it; `lost` is told when it is gone. */
  open(data: (chunk: Buffer) => void, lost: (error: Error) => void, signal: AbortSignal): Promise<Pick<Link, 'write' | 'close'>>;
}

/** A serial bus of the running gateway, whose instrument hears nothing of an answer to a person. */
export async function busWay(bus: string, client: GatewayClient, io: Io): Promise<Way> {
  const { buses } = await client.get<{ buses: BusStatus[] }>('/buses');
  const found = buses.find(({ name }) => name === bus);
  if (found === undefined)
    throw usage(`The gateway has no bus ${bus}.`, `There are: ${buses.map(({ name }) => name).join(', ') || 'none'}.`);
  if (!found.type.startsWith('serial')) throw usage(`Bus ${bus} is a Modbus bus.`, `See 'ferrule modbus monitor ${bus}', read and write.`);
  const path = busPath(bus);
  return {
    name: `bus ${bus} (${found.endpoint})`,
    open: (data, lost, signal) =>
      new Promise((resolve, reject) => {
        const ended = new AbortController();
        const onEvent = (event: string, frame: unknown) => {
          const { direction, bytes } = frame as MonitorFrame;
          if (event === 'frame' && direction === 'in') data(Buffer.from(bytes, 'hex'));
          if (event === 'left_out') io.err('Some bytes were left out: more came than could be shown.\n');
        };
        // One after the other: what is typed goes out in order.
        let sent: Promise<unknown> = Promise.resolve();
        const link = {
          write: (bytes: Buffer) => {
            sent = sent.then(() => client.post(`${path}/send`, { hex: bytes.toString('hex') })).catch(lost);
          },
          close: async () => {
            await sent;
            ended.abort();
          },
        };
        client
          .follow(`${path}/frames`, onEvent, AbortSignal.any([signal, ended.signal]), () => resolve(link))
          .then(
            () => {
              if (signal.aborted || ended.signal.aborted) return;
              lost(new FerruleError('FER_CLI_GATEWAY', 'The gateway ended the connection.', { where: { subject: bus } }));
            },
            (error: Error) => {
              reject(error);
              lost(error);
            },
          );
      }),
  };
}
