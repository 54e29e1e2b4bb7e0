import { systemClock } from '../../clock.js';
import { type Place, parseAddress } from '../../field/modbus/address.js';
import type { TagJson } from '../../field/ports.js';
import { type Explored, type ExploredPlace, explore, mostOf } from '../../field/tools/explore.js';
import type { Arguments, Io } from '../command.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { ask } from './ask.js';
import { areaOf, integer, usage } from './options.js';
import { table } from './table.js';

export async function read(args: Arguments, io: Io): Promise<ExitCode> {
  const { area, address } = placeOf(args);
  const count = integer(args, 'count', 1, mostOf(area), 1);
  const unit = integer(args, 'unit', 0, 255, 1);
  const explored = await ask<Explored>(
    {
      own: (bus) => explore(bus, { unit, area, address, count }, () => systemClock.now()),
      gateway: (client, path) => client.get(`${path}/registers?unit=${unit}&area=${area}&address=${address}&count=${count}`),
    },
    args,
    io,
  );
  io.out(args.flag('json') ? `${JSON.stringify(explored)}\n` : printed(explored));
  return EXIT.OK;
}

/** With an area the address counts from 0; without one it is Modicon notation, which says the area. */
export function placeOf(args: Arguments): Place {
  const text = args.text('address');
  if (text === undefined) throw usage('--address is missing.', 'Write a number from 0 with --area, or Modicon notation: 40001.');
  const area = areaOf(args);
  const parsed = area !== undefined && /^(0x[0-9a-f]+|[0-9]+)$/i.test(text) ? parseAddress(Number(text), area) : parseAddress(text, area);
  if ('problem' in parsed) throw usage(`${parsed.problem}.`, parsed.hint);
  return parsed.place;
}

function printed(explored: Explored): string {
  const { places, text, area } = explored;
  if (text === null) {
    return table(
      ['address', area, 'value'],
      places.map((place) => [String(place.address), place.modicon, String(place.raw)]),
      [0],
    );
  }
  const parts = [registers(places), values(explored, '2'), values(explored, '4'), `text  ${text.AB}\nBA    ${text.BA}\n`];
  return parts.filter((part) => part !== '').join('\n');
}

function registers(places: readonly ExploredPlace[]): string {
  const types = ['uint16', 'int16', 'bcd16', 'float16'] as const;
  const rows = places.map(({ address, modicon, raw, values }) => [
    ...[String(address), modicon, raw.toString(16).padStart(4, '0'), raw.toString(2).padStart(16, '0')],
    ...types.map((type) => shown(values[type]?.[0])),
    shown(values.uint16?.[1]),
  ]);
  return table(['address', '', 'hex', 'bits', ...types, 'uint16 BA'], rows, [0, 4, 5, 6, 7, 8]);
}

/** A row for each address and order, a column for each type of so many registers. */
function values({ places, orders }: Explored, length: '2' | '4'): string {
  const types = length === '2' ? (['uint32', 'int32', 'float32', 'bcd32'] as const) : (['uint64', 'int64', 'float64'] as const);
  const rows = places
    .filter((place) => place.values[types[0]] !== undefined)
    .flatMap((place) =>
      orders[length].map((order, index) => [
        index === 0 ? String(place.address) : '',
        index === 0 ? place.modicon : '',
        order,
        ...types.map((type) => shown(place.values[type]?.[index])),
      ]),
    );
  return rows.length === 0 ? '' : table(['address', '', 'order', ...types], rows, [0, 3, 4, 5, 6]);
}

function shown(value: TagJson | undefined): string {
  return value === null || value === undefined ? '-' : String(value);
}
