import type { MonitorFrame } from '../../field/tools/describe-frame.js';
import type { Arguments, Io } from '../command.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { GatewayClient } from './gateway-client.js';
import { interruptible } from './interrupt.js';
import { integer, usage } from './options.js';

/** Frames of a bus of the running gateway, one a line, until Ctrl-C or --count. */
export async function monitor(bus: string | undefined, args: Arguments, io: Io): Promise<ExitCode> {
  if (bus === undefined) throw usage('The name of the bus is missing.', "'ferrule modbus stats' lists the buses.");
  const most = integer(args, 'count', 1, 1_000_000, Number.POSITIVE_INFINITY);
  const client = await GatewayClient.open(args, io);
  try {
    await interruptible((signal) => {
      const enough = new AbortController();
      let seen = 0;
      const onEvent = (event: string, data: unknown): void => {
        if (event === 'left_out') io.err(`${(data as { count: number }).count} frames were left out\n`);
        if (event !== 'frame' || seen >= most) return;
        io.out(args.flag('json') ? `${JSON.stringify(data)}\n` : frameLine(data as MonitorFrame));
        if (++seen >= most) enough.abort();
      };
      return client.follow(`/buses/${encodeURIComponent(bus)}/frames`, onEvent, AbortSignal.any([signal, enough.signal]));
    });
  } finally {
    await client.close();
  }
  return EXIT.OK;
}

/** `10:31:07.412 < unit 3 read holding registers 100-103 = 230 231 229 5002 (18.4 ms)`. */
export function frameLine(frame: MonitorFrame): string {
  const { at, direction, unit, name, range, values, exception, error, tookMs, bytes } = frame;
  const last = range === null ? 0 : range.address + range.count - 1;
  const parts = [
    new Date(at).toISOString().slice(11, 23),
    direction === 'out' ? '>' : '<',
    unit === null ? null : `unit ${unit}`,
    name,
    range === null ? null : range.count === 1 ? `${range.address}` : `${range.address}-${last}`,
    values === null ? null : `= ${values.join(' ')}`,
    exception === null ? null : `exception ${exception.code} (${exception.text})`,
    error === null ? null : `*** ${error}`,
    name === null || error === 'crc' || error === 'unexpected' || error === 'protocol' ? `[${bytes}]` : null,
    tookMs === null ? null : `(${tookMs} ms)`,
  ];
  return `${parts.filter((part) => part !== null).join(' ')}\n`;
}
