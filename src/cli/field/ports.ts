import { listSerialPorts, type SerialPortInfo } from '../../field/link/ports.js';
import type { Arguments, Io } from '../command.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { table } from './table.js';

/** The serial ports of this machine, with the names that stay. */
export async function ports(args: Arguments, io: Io): Promise<ExitCode> {
  const found = await listSerialPorts();
  if (args.flag('json')) io.out(`${JSON.stringify(found)}\n`);
  else if (found.length === 0) io.out('This machine has no serial port.\n');
  else io.out(table(['port', 'what it is', 'name that stays', ''], found.map(rowOf)));
  return EXIT.OK;
}

function rowOf(port: SerialPortInfo): string[] {
  const { usb, driver, users, isAllowed, isConsole } = port;
  const what = usb === null ? (driver ?? '') : [usb.manufacturer, usb.product, usb.serial].filter((part) => part !== null).join(' ');
  const remarks = [
    ...(isConsole ? ['the kernel prints there'] : []),
    ...(isAllowed ? [] : ['this user may not open it (group dialout)']),
    ...users.map(({ program, pid }) => `used by ${program} (${pid})`),
  ];
  return [port.path, what, port.name, remarks.join(', ')];
}
