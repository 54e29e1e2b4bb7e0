import type { Command } from './command.js';
import { EXIT } from './exit-codes.js';
import { GATEWAY_OPTIONS } from './field/gateway-client.js';
import { TARGET_OPTIONS, usage } from './field/options.js';
import { reportFailure } from './field/report.js';
import { SUNSPEC_OPTIONS } from './modbus/sunspec.js';

export const modbus: Command = {
  usage: 'scan | read | write VALUE | sunspec | plan CONFIG [DEVICE] | monitor BUS | stats [BUS]  [options]',
  help: `Finds things out on site.

  scan            which units answer, and with which serial settings (Ctrl-C ends it, what was found is shown)
  read            registers in every type and byte order, coils and inputs
  write VALUE     one value, read back; without --yes it only says what it would write. A negative one goes last, behind --
  plan CONFIG     what a gateway with this configuration reads, and what it costs
  monitor BUS     every frame of a bus of the running gateway, decoded
  sunspec         the SunSpec models of an inverter or meter, and the tags that they are
  stats [BUS]     requests, errors and latencies of each unit of the running gateway

scan, read, write and sunspec open the port or host themselves. What the gateway that runs here has as a bus they ask through it
(--bus NAME), between its own requests. The gateway is found by its data folder, and asked without a login by its own user and by
root; with --url and --user by its web console.

Examples:
  ferrule modbus scan --port /dev/ttyUSB0 --baud 9600,19200 --parity none,even --units 1-20
  ferrule modbus scan --port /dev/ttyUSB0 --ascii --data-bits 7,8 --parity even,none
  ferrule modbus scan --host 192.168.1.50
  sudo ferrule modbus scan --bus line1
  ferrule modbus read --host 192.168.1.50 --unit 1 --address 40001 --count 10
  ferrule modbus write 21.5 --port /dev/ttyUSB0 --unit 3 --area holding --address 16 --type float32 --order CDAB --yes
  ferrule modbus write --host 192.168.1.50 --address 40017 --type int16 --yes -- -5
  ferrule modbus sunspec --host 192.168.1.60 --unit 126 --yaml >> devices.yaml
  ferrule modbus plan ferrule.yaml meter1
  ferrule modbus monitor line1 --url https://192.168.1.20:8080 --user admin`,
  options: {
    ...TARGET_OPTIONS,
    unit: { type: 'string', short: 'u', value: 'N', help: 'Unit id. Default: 1.' },
    units: { type: 'string', value: 'LIST', help: 'scan: units to ask, 1-20,30. Default: 1-247, on TCP 255 too.' },
    suspend: { type: 'boolean', help: 'scan: with --bus, stop the bus meanwhile: for other serial settings, or another timeout.' },
    'all-settings': { type: 'boolean', help: 'scan: try the other serial settings too where units were found.' },
    'no-identify': { type: 'boolean', help: 'scan: do not ask the units that are found who they are.' },
    area: { type: 'string', value: 'AREA', help: 'holding, input, coil or discrete; the address then counts from 0.' },
    address: { type: 'string', short: 'a', value: 'N', help: 'From 0 with --area, or Modicon notation: 40001, 300010.' },
    count: { type: 'string', short: 'n', value: 'N', help: 'read: registers (125) or bits (2000) at most. monitor: frames, then end.' },
    type: { type: 'string', value: 'TYPE', help: 'write: uint16, int32, float32, ... Default: uint16, on coils bool.' },
    order: { type: 'string', value: 'ORDER', help: 'write: order of the bytes, ABCD, CDAB, ... Default: ABCD.' },
    multiple: { type: 'boolean', help: 'write: use FC 16 or 15 for a single register or coil too.' },
    yes: { type: 'boolean', help: 'write: do it.' },
    ...SUNSPEC_OPTIONS,
    ...GATEWAY_OPTIONS,
    json: { type: 'boolean', help: 'As JSON; monitor: one object a line.' },
  },
  words: { min: 1, max: 3 },
  async run(args, io) {
    const [verb, first, second] = args.words;
    try {
      // What a verb does not take is a mistake, not to be passed over.
      const takes: Record<string, number> = { scan: 0, read: 0, sunspec: 0, write: 1, plan: 2, monitor: 1, stats: 1 };
      const most = verb === undefined ? undefined : takes[verb];
      if (most === undefined) throw usage(`There is scan, read, write, sunspec, plan, monitor and stats, not ${verb}.`);
      if (args.words.length - 1 > most) throw usage(`'${args.words[most + 1]}' is not expected here.`);
      switch (verb) {
        case 'scan':
          return await (await import('./field/scan.js')).scan(args, io);
        case 'read':
          return await (await import('./field/read.js')).read(args, io);
        case 'write':
          return await (await import('./field/write.js')).write(first, args, io);
        case 'sunspec':
          return await (await import('./modbus/sunspec.js')).sunspec(args, io);
        case 'plan':
          return await (await import('./field/plan.js')).plan(first, second, args, io);
        case 'monitor':
          return await (await import('./field/monitor.js')).monitor(first, args, io);
        case 'stats':
          return await (await import('./field/stats.js')).stats(first, args, io);
        default:
          return EXIT.USAGE;
      }
    } catch (error) {
      return reportFailure(error, io);
    }
  },
};
