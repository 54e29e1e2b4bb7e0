import { VERSION } from '../gateway/version.js';
import type { Command } from './command.js';
import { EXIT } from './exit-codes.js';

export const version: Command = {
  usage: '[--json]',
  help: 'Prints the version of Ferrule, of Node.js and the platform: what a report of a fault should begin with.',
  options: { json: { type: 'boolean', help: 'As JSON: {"version", "node", "platform"}.' } },
  async run(args, io) {
    const facts = { version: VERSION, node: process.version, platform: `${process.platform}-${process.arch}` };
    io.out(args.flag('json') ? `${JSON.stringify(facts)}\n` : `ferrule ${facts.version} (Node ${facts.node}, ${facts.platform})\n`);
    return EXIT.OK;
  },
};
