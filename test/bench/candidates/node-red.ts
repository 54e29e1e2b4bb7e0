import { join } from 'node:path';
import { installNodeRed, NODE_RED, NODE_RED_MODBUS, nodeRedFlow, nodeRedSettings } from '../field/node-red.js';
import type { Candidate } from './candidate.js';
import { mosquitto } from './mosquitto.js';

/** Node-RED with node-red-contrib-modbus. It publishes at a mosquitto that is not measured. @param nodeArgs further arguments of Node */
export function nodeRed(nodeArgs: readonly string[]): Candidate {
  return {
    name: 'node-red',
    settings: `${NODE_RED} with ${NODE_RED_MODBUS} on Node ${process.versions.node}; its mosquitto is not counted`,
    transports: [],
    field: async (job, port, folder) => {
      const installed = await installNodeRed();
      const broker = mosquitto(false).command?.(port, folder, null);
      return {
        command: process.execPath,
        args: [
          ...nodeArgs,
          join(installed, 'node_modules/node-red/red.js'),
          '--settings',
          join(folder, 'settings.cjs'),
          '--userDir',
          folder,
          join(folder, 'flow.json'),
        ],
        files: { 'settings.cjs': nodeRedSettings(), 'flow.json': JSON.stringify(nodeRedFlow(job, port)) },
        ready: /Started flows/,
        ...(broker === undefined ? {} : { beside: broker }),
      };
    },
  };
}
