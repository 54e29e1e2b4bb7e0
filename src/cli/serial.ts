import type { Command } from './command.js';
import { GATEWAY_OPTIONS } from './field/gateway-client.js';
import { usage } from './field/options.js';
import { reportFailure } from './field/report.js';

export const serial: Command = {
  usage: 'ports | terminal PORT | terminal --bus NAME  [options]',
  help: `Serial ports of this machine.

  ports           what there is, with the names that stay when adapters are plugged in and out
  terminal PORT   shows what comes and sends what is typed, line by line

A port that the gateway that runs here has as a bus is spoken with through it: --bus NAME, without a login for its own user and root,
or with --url and --user. Its instrument hears nothing until 3 s after what is sent.

Examples:
  ferrule serial terminal /dev/ttyUSB0 --baud 19200 --parity even
  sudo ferrule serial terminal --bus scale_port
  echo '02 50 03' | ferrule serial terminal /dev/ttyUSB0 --hex`,
  options: {
    bus: { type: 'string', value: 'NAME', help: 'terminal: a serial bus of the running gateway.' },
    baud: { type: 'string', short: 'b', value: 'N', help: 'Bits per second. Default: 9600.' },
    parity: { type: 'string', value: 'P', help: 'none, even or odd. Default: none.' },
    'data-bits': { type: 'string', value: 'N', help: '7 or 8. Default: 8.' },
    'stop-bits': { type: 'string', value: 'N', help: '1 or 2. Default: 1.' },
    hex: { type: 'boolean', short: 'x', help: 'Show and send bytes as hexadecimal digits.' },
    end: { type: 'string', value: 'E', help: 'What Enter adds to a line of text: crlf, cr, lf or none. Default: crlf.' },
    linger: { type: 'string', value: 'MS', help: 'How long answers are waited for when the input ends. Default: 1000.' },
    ...GATEWAY_OPTIONS,
    json: { type: 'boolean', help: 'ports: as JSON.' },
  },
  words: { min: 1, max: 2 },
  async run(args, io) {
    const [verb, port] = args.words;
    try {
      if (verb === 'ports' && port === undefined) return await (await import('./field/ports.js')).ports(args, io);
      if (verb === 'terminal') return await (await import('./field/terminal.js')).terminal(port, args, io);
      throw usage(`There is ports and terminal PORT, not ${args.words.join(' ')}.`, "See 'ferrule serial --help'.");
    } catch (error) {
      return reportFailure(error, io);
    }
  },
};
