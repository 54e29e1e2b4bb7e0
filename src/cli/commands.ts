import type { CommandEntry } from './command.js';

/** In the order in which a newcomer needs them. */
export const COMMANDS: readonly CommandEntry[] = [
  { name: 'start', summary: 'run the gateway with a configuration', load: async () => (await import('./start.js')).start },
  { name: 'demo', summary: 'run a gateway with a simulated plant, to look around', load: async () => (await import('./demo.js')).demo },
  { name: 'check', summary: 'say everything that is wrong with a configuration', load: async () => (await import('./check.js')).check },
  { name: 'profiles', summary: 'list, show and check device profiles', load: async () => (await import('./profiles.js')).profiles },
  { name: 'simulate', summary: 'play the devices of profiles', load: async () => (await import('./simulate.js')).simulate },
  { name: 'modbus', summary: 'scan, read, write, plan, watch Modbus devices', load: async () => (await import('./modbus.js')).modbus },
  { name: 'serial', summary: 'list serial ports, speak with what is behind one', load: async () => (await import('./serial.js')).serial },
  {
    name: 'tags',
    summary: 'export, import and check lists of tags (CSV, Neuron, Telegraf)',
    load: async () => (await import('./tags.js')).tags,
  },
  { name: 'version', summary: 'print the version', load: async () => (await import('./version.js')).version },
];
