import type { TagJson } from '../../field/ports.js';
import { ORDERS, REGISTER_TYPES } from '../../field/schema.js';
import { labelOf } from '../../field/tools/own-bus.js';
import { checkWrite, type RegisterWrite, writeRegister } from '../../field/tools/write-register.js';
import type { Arguments, Io } from '../command.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { ask, busOption } from './ask.js';
import { integer, oneOf, targetOf, usage } from './options.js';
import { placeOf } from './read.js';

/** Writes one value and reads it back. Without --yes it says what it would do. */
export async function write(text: string | undefined, args: Arguments, io: Io): Promise<ExitCode> {
  if (text === undefined)
    throw usage('The value to write is missing.', 'ferrule modbus write VALUE --unit 1 --area holding --address 0 ...');
  const bus = busOption(args);
  const where = bus === undefined ? `at ${labelOf(targetOf(args))}` : `on bus ${bus}`;
  const request = requestOf(text, args);
  // Refused before anything is opened.
  const { config, point } = checkWrite(request);
  const { unit, area, address } = request;
  const what = `${text} as ${point.type} to ${area} ${address} (${config.name}) of unit ${unit} ${where}`;
  if (!args.flag('yes')) {
    io.err(`This would write ${what}. Nothing was written: add --yes to do it.\n`);
    return EXIT.USAGE;
  }
  const written = await ask<TagJson>(
    {
      own: (own) => writeRegister(own, request),
      gateway: async (client, path) => (await client.post<{ written: TagJson }>(`${path}/registers`, request)).written,
    },
    args,
    io,
  );
  io.out(args.flag('json') ? `${JSON.stringify({ written })}\n` : `Wrote ${what}; it was read back as ${String(written)}.\n`);
  return EXIT.OK;
}

function requestOf(value: string, args: Arguments): RegisterWrite {
  const { area, address, bit } = placeOf(args);
  const type = args.text('type');
  const order = args.text('order');
  return {
    unit: integer(args, 'unit', 1, 255, 1),
    ...{ area, address, value },
    ...(bit === null ? {} : { bit }),
    ...(type === undefined ? {} : { type: oneOf(REGISTER_TYPES, type, '--type') }),
    ...(order === undefined ? {} : { order: oneOf(ORDERS, order, '--order') }),
    ...(args.flag('multiple') ? { multiple: true } : {}),
  };
}
