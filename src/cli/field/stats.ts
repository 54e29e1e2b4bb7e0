import type { BusStatus, UnitStatistics } from '../../field/ports.js';
import type { Arguments, Io } from '../command.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { GatewayClient } from './gateway-client.js';
import { table } from './table.js';

/** Statistics of the units of the running gateway, of one bus or of all. */
export async function stats(name: string | undefined, args: Arguments, io: Io): Promise<ExitCode> {
  const client = await GatewayClient.open(args, io);
  try {
    const { buses } = await client.get<{ buses: BusStatus[] }>('/buses');
    const names = name === undefined ? buses.map((bus) => bus.name) : [name];
    const all: { bus: string; units: UnitStatistics[] }[] = [];
    for (const bus of names) {
      all.push({ bus, ...(await client.get<{ units: UnitStatistics[] }>(`/buses/${encodeURIComponent(bus)}/units`)) });
    }
    if (args.flag('json')) io.out(`${JSON.stringify(all)}\n`);
    else
      io.out(
        all
          .map(({ bus, units }) =>
            printed(
              bus,
              buses.find((each) => each.name === bus),
              units,
            ),
          )
          .join('\n'),
      );
    return EXIT.OK;
  } finally {
    await client.close();
  }
}

function printed(name: string, bus: BusStatus | undefined, units: UnitStatistics[]): string {
  const head =
    bus === undefined
      ? `${name}\n`
      : `${name}: ${bus.type}, ${bus.endpoint}, ${bus.state}${bus.lastError === null ? '' : ` (${bus.lastError})`}\n`;
  if (units.length === 0) return `${head}No unit was spoken to.\n`;
  const ms = (value: number | null) => (value === null ? '-' : value.toFixed(1));
  const rows = units.map(({ unit, isDown, counters, latency }) => [
    ...[`${unit}`, isDown ? 'does not answer' : 'answers', `${counters.requests}`, `${counters.answers}`, `${counters.timeouts}`],
    ...[`${counters.exceptions}`, `${counters.crcErrors}`, `${counters.late}`],
    ...[ms(latency.p50), ms(latency.p90), ms(latency.p99), ms(latency.max)],
  ]);
  const titles = ['unit', 'state', 'requests', 'answers', 'timeouts', 'exceptions', 'CRC', 'late', 'p50 ms', 'p90', 'p99', 'max'];
  return head + table(titles, rows, [0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
}
