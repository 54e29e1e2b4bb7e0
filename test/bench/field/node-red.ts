import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { runProcess } from '../../support/process.js';
import { Unavailable } from '../unavailable.js';
import type { FieldJob } from './job.js';

/** The newest node-red-contrib-modbus whose dependencies all come from the npm registry, and a Node-RED for our Node. */
export const NODE_RED = 'node-red@4.1.8';
export const NODE_RED_MODBUS = 'node-red-contrib-modbus@5.23.3';

const INSTALL_MS = 300_000;
/** Most registers in one request. */
const MAX_REGISTERS = 125;

/** Installs both once, in the user's cache; gives back the folder. Throws Unavailable where there is no registry. */
export async function installNodeRed(): Promise<string> {
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'ferrule-bench');
  const folder = join(cache, `${NODE_RED}+${NODE_RED_MODBUS}`);
  if (existsSync(folder)) return folder;
  const fresh = `${folder}.${process.pid}`;
  await mkdir(fresh, { recursive: true });
  try {
    const args = ['install', '--prefix', fresh, '--ignore-scripts', '--no-audit', '--no-fund', NODE_RED, NODE_RED_MODBUS];
    const { code, stderr } = await runProcess('npm', args, { timeout: INSTALL_MS, cwd: fresh });
    if (code !== 0)
      throw new Error(
        stderr
          .trim()
          .split('\n')
          .find((line) => line.includes('ERR')) ?? `npm ended with code ${code}`,
      );
    await rename(fresh, folder);
    return folder;
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    throw new Unavailable(`${NODE_RED} could not be installed: ${(error as Error).message.split('\n')[0]}`);
  }
}

/** Its settings: no editor, no context on disk, its modules where they were installed. */
export function nodeRedSettings(): string {
  const settings = {
    flowFile: 'flow.json',
    httpAdminRoot: false,
    httpNodeRoot: false,
    uiHost: '127.0.0.1',
    uiPort: 0,
    credentialSecret: false,
    logging: { console: { level: 'info', metrics: false, audit: false } },
  };
  return `module.exports = ${JSON.stringify(settings)};\n`;
}

type FlowNode = Record<string, unknown> & { id: string; type: string };

/**
 * The same job: each device is read in as many requests as it takes, and each value that changed is published to a topic of
 * its own with QoS 1, retained, as JSON.
 *
 * @param port of the broker
 */
export function nodeRedFlow({ buses, periodMs }: FieldJob, port: number): FlowNode[] {
  const flow: FlowNode[] = [
    { id: 'tab', type: 'tab', label: 'bench' },
    {
      id: 'broker',
      type: 'mqtt-broker',
      broker: '127.0.0.1',
      port: String(port),
      clientid: 'node-red',
      protocolVersion: '4',
      keepalive: '60',
      cleansession: true,
      autoConnect: true,
    },
    { id: 'publish', type: 'mqtt out', z: 'tab', broker: 'broker', topic: '', qos: '', retain: '', wires: [] },
  ];
  for (const { endpoint, devices } of buses) {
    if (endpoint.type !== 'tcp') throw new Error('only TCP is put to Node-RED');
    const client = `client${endpoint.port}`;
    flow.push(modbusClient(client, endpoint.port));
    for (const { number, unit, addresses } of devices) {
      const end = Math.max(...addresses) + 1;
      for (let first = Math.min(...addresses); first < end; first += MAX_REGISTERS) {
        const id = `d${number}-${first}`;
        const count = Math.min(MAX_REGISTERS, end - first);
        flow.push(modbusRead(id, client, unit, first, count, periodMs), changesOnly(`${id}-changes`, number, first));
      }
    }
  }
  return flow;
}

function modbusClient(id: string, port: number): FlowNode {
  return {
    id,
    type: 'modbus-client',
    name: '',
    clienttype: 'tcp',
    bufferCommands: true,
    stateLogEnabled: false,
    queueLogEnabled: false,
    failureLogEnabled: true,
    tcpHost: '127.0.0.1',
    tcpPort: String(port),
    tcpType: 'DEFAULT',
    serialPort: '/dev/null',
    serialType: 'RTU-BUFFERD',
    serialBaudrate: '9600',
    serialDatabits: '8',
    serialStopbits: '1',
    serialParity: 'none',
    serialConnectionDelay: '100',
    serialAsciiResponseStartDelimiter: '0x3A',
    unit_id: 1,
    commandDelay: 1,
    clientTimeout: 1000,
    reconnectOnTimeout: true,
    reconnectTimeout: 2000,
    parallelUnitIdsAllowed: true,
  };
}

function modbusRead(id: string, server: string, unit: number, address: number, count: number, periodMs: number): FlowNode {
  return {
    id,
    type: 'modbus-read',
    z: 'tab',
    name: '',
    topic: '',
    showStatusActivities: false,
    logIOActivities: false,
    showErrors: false,
    unitid: String(unit),
    dataType: 'HoldingRegister',
    adr: String(address),
    quantity: String(count),
    rate: String(periodMs),
    rateUnit: 'ms',
    delayOnStart: false,
    startDelayTime: '',
    server,
    useIOFile: false,
    ioFile: '',
    useIOForPayload: false,
    emptyMsgOnFail: false,
    wires: [[`${id}-changes`], []],
  };
}

function changesOnly(id: string, device: number, first: number): FlowNode {
  const lines = [
    'const before = context.get("before") || [];',
    'const ts = Date.now();',
    'const messages = [];',
    'msg.payload.forEach((v, i) => {',
    '  if (v === before[i]) return;',
    `  messages.push({ topic: "field/d${device}/t" + (${first} + i), payload: JSON.stringify({ v, ts, q: "good" }), qos: 1, retain: true });`,
    '});',
    'context.set("before", msg.payload);',
    'return [messages];',
  ];
  return {
    id,
    type: 'function',
    z: 'tab',
    name: '',
    func: lines.join('\n'),
    outputs: 1,
    timeout: 0,
    noerr: 0,
    initialize: '',
    finalize: '',
    libs: [],
    wires: [['publish']],
  };
}
