/** Run by run-gateway.test.ts: a gateway that behaves as its first argument says, under the real life cycle. */
import { setTimeout as sleep } from 'node:timers/promises';
import { runGateway } from '../../src/cli/run-gateway.js';
import { loadConfig } from '../../src/config/load.js';
import { FerruleError } from '../../src/errors.js';

const [behaviour = '', file = ''] = process.argv.slice(2);
// A program with nothing to do would end by itself.
const busy = setInterval(() => undefined, 1000);

const code = await runGateway({
  loaded: await loadConfig(file),
  io: { out: (text) => void process.stdout.write(text), err: (text) => void process.stderr.write(text), env: process.env },
  create: ({ onFatal }) => ({
    start: async () => {
      if (behaviour === 'port-in-use') throw new FerruleError('FER_CLI_START', 'Port 1883 is in use.', { hint: 'Stop the other broker.' });
      if (behaviour === 'slow-start') {
        process.stdout.write('gateway starts\n');
        await sleep(60_000);
      }
      if (behaviour === 'store-fails') setTimeout(() => onFatal(new FerruleError('FER_STOPPED', 'The disk failed.')), 20);
      if (behaviour === 'throws') {
        setTimeout(() => {
          throw new Error('a fault');
        }, 20);
      }
      if (behaviour === 'rejects') setTimeout(() => void Promise.reject(new Error('a fault')), 20);
    },
    stop: async () => {
      if (behaviour === 'hangs') await sleep(60_000);
      process.stdout.write('gateway stopped\n');
    },
    reload: async (config) => {
      process.stdout.write(`reloaded ${config.gateway.name}\n`);
    },
    alive: async () => behaviour !== 'stuck',
  }),
  onRunning: () => process.stdout.write('gateway runs\n'),
});
clearInterval(busy);
process.exit(code);
