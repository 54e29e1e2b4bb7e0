import { systemClock } from '../../clock.js';
import { encodeValue } from '../../field/modbus/encode.js';
import { resolvePoint } from '../../field/modbus/point.js';
import { writePoint } from '../../field/modbus/write.js';
import { ORDERS, REGISTER_TYPES } from '../../field/schema.js';
import { modicon, tagConfig } from '../../field/tools/explore.js';
import { labelOf, openOwnBus } from '../../field/tools/own-bus.js';
import { silentLogger } from '../../log.js';
import type { Arguments, Io } from '../command.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { integer, oneOf, targetOf, timeoutOf, usage } from './options.js';
import { placeOf } from './read.js';

/** Writes one value and reads it back. Without --yes it says what it would do. */
export async function write(text: string | undefined, args: Arguments, io: Io): Promise<ExitCode> {
  if (text === undefined)
    throw usage('The value to write is missing.', 'ferrule modbus write VALUE --unit 1 --area holding --address 0 ...');
  const target = targetOf(args);
  const unit = integer(args, 'unit', 1, 255, 1);
  const { area, address, bit } = placeOf(args);
  const type = args.text('type');
  const order = args.text('order');
  const config = tagConfig({
    ...{ name: modicon(area, address), area, address, access: 'read_write' },
    ...(bit === null ? {} : { bit }),
    ...(type === undefined ? {} : { type: oneOf(REGISTER_TYPES, type, '--type') }),
    ...(order === undefined ? {} : { order: oneOf(ORDERS, order, '--order') }),
    write: { read_back: true, tolerance: 0, single: !args.flag('multiple') },
  });
  const resolved = resolvePoint(config, {});
  if ('problems' in resolved) throw usage(`${resolved.problems[0]?.message}.`, resolved.problems[0]?.hint);
  const { point } = resolved;
  // Refused before anything is opened.
  encodeValue(point, text, config);
  const what = `${text} as ${point.type} to ${area} ${address} (${config.name}) of unit ${unit} at ${labelOf(target)}`;
  if (!args.flag('yes')) {
    io.err(`This would write ${what}. Nothing was written: add --yes to do it.\n`);
    return EXIT.USAGE;
  }
  const bus = await openOwnBus(target, timeoutOf(args, target), systemClock, silentLogger);
  try {
    const { written } = await writePoint({ bus, device: { name: `unit ${unit}`, unit, mask_write: true }, config, point }, text);
    io.out(args.flag('json') ? `${JSON.stringify({ written })}\n` : `Wrote ${what}; it was read back as ${String(written)}.\n`);
    return EXIT.OK;
  } finally {
    await bus.stop();
  }
}
