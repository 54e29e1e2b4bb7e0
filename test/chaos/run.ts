import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../src/clock.js';
import { createBus } from '../../src/field/build.js';
import { Fault } from '../../src/field/fault.js';
import { ModbusBus } from '../../src/field/modbus/bus.js';
import type { ModbusAnswer, ReadRequest } from '../../src/field/modbus/pdu.js';
import { silentLogger } from '../../src/log.js';
import { packageRoot } from '../../src/paths.js';
import { fieldConfig } from '../field/support.js';
import { type RunningProcess, startProcess } from '../support/process.js';
import { waitFor, within } from '../support/wait-for.js';
import { ChaosProxy, type Kind } from './proxy.js';
import { PtyLine } from './pty-line.js';

/** Must be that of chaos_peer.py. */
const GENERATION_MS = 4;
/** The clocks of two processes, read one after the other. */
const SLACK_MS = 2;
const TIMEOUT = 60;
const UNITS = [1, 2, 3];
const SCRATCH = 1000;
/** No request may take longer: its timeouts, a barrier, a unit that is left alone, a connection that is made again. */
const ENDS_WITHIN_MS = 20_000;

export interface ChaosOptions {
  seed: number;
  /** Requests to send, over all buses. */
  requests: number;
  /** ms after which it ends in any case. */
  limit: number;
  /** Buses of each kind. */
  width: { tcp: number; rtuOverTcp: number; pty: number };
  progress?: (text: string) => void;
}

export interface ChaosResult {
  requests: number;
  good: number;
  failed: number;
  exceptions: number;
  /** Values that were given as good and were not: must be empty. */
  wrong: string[];
  /** Writes that were confirmed and never reached the server: must be empty. */
  lostWrites: string[];
  confirmedWrites: number;
  frames: number;
  faults: Record<string, number>;
  /** Buses that did not answer every read again within 15 s after the chaos: must be empty. */
  notRecovered: string[];
  ms: number;
}

interface Line {
  name: string;
  bus: ModbusBus;
  proxy: ChaosProxy;
  pty: PtyLine | null;
  random: () => number;
}

/** Park-Miller. */
export function seeded(seed: number): () => number {
  let state = (Math.abs(Math.trunc(seed)) % 2_147_483_646) + 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

/** Reads and writes through bad ways to pymodbus servers, over Modbus TCP, RTU over TCP, and RTU on pseudo terminals. */
export async function chaos(options: ChaosOptions): Promise<ChaosResult> {
  const peer = await startProcess('/usr/bin/python3', [join(packageRoot(), 'test/chaos/chaos_peer.py'), UNITS.join(',')], {
    ready: /listening (\d+) (\d+)\n/,
  });
  const [, tcp, rtu] = /listening (\d+) (\d+)/.exec(peer.stdout)!;
  const lines: Line[] = [];
  const startedAt = performance.now();
  const result = emptyResult();
  try {
    const kinds: ('tcp' | 'rtu over tcp' | 'pty')[] = [
      ...Array<'tcp'>(options.width.tcp).fill('tcp'),
      ...Array<'rtu over tcp'>(options.width.rtuOverTcp).fill('rtu over tcp'),
      ...Array<'pty'>(options.width.pty).fill('pty'),
    ];
    for (const [index, kind] of kinds.entries()) {
      lines.push(await startLine(kind, index, Number(kind === 'tcp' ? tcp : rtu), seeded(options.seed * 1000 + index)));
    }
    const confirmed: string[] = [];
    const sent = () => lines.reduce((sum, { bus }) => sum + bus.units().reduce((all, { counters }) => all + counters.requests, 0), 0);
    const isOver = () => sent() >= options.requests || performance.now() - startedAt > options.limit;
    const report = setInterval(() => {
      options.progress?.(`${sent()} requests, ${result.good} good, ${result.wrong.length} wrong ${result.wrong.at(-1) ?? ''}`);
    }, 5000);
    try {
      await Promise.all(lines.flatMap((line) => workersOf(line, isOver, result, confirmed)));
    } finally {
      clearInterval(report);
    }
    for (const { proxy } of lines) proxy.isOn = false;
    await Promise.all(lines.map((line) => recover(line, result)));
    result.requests = sent();
    result.lostWrites = await lostWrites(peer, confirmed);
    result.confirmedWrites = confirmed.length;
  } finally {
    for (const { bus, proxy, pty } of lines) {
      await bus.stop();
      await pty?.stop();
      await proxy.stop();
      result.frames += proxy.frames;
      for (const [fault, count] of Object.entries(proxy.counts)) result.faults[fault] = (result.faults[fault] ?? 0) + count;
    }
    await peer.kill();
  }
  result.ms = Math.round(performance.now() - startedAt);
  return result;
}

function emptyResult(): ChaosResult {
  return {
    requests: 0,
    good: 0,
    failed: 0,
    exceptions: 0,
    wrong: [],
    lostWrites: [],
    confirmedWrites: 0,
    frames: 0,
    faults: {},
    notRecovered: [],
    ms: 0,
  };
}

async function startLine(kind: 'tcp' | 'rtu over tcp' | 'pty', index: number, to: number, random: () => number): Promise<Line> {
  const framing: Kind = kind === 'tcp' ? 'tcp' : 'rtu';
  const proxy = await ChaosProxy.start({ kind: framing, to, random, rate: 0.03, timeout: TIMEOUT });
  const pty = kind === 'pty' ? await PtyLine.start(proxy.port) : null;
  const where =
    kind === 'pty'
      ? { type: 'modbus_rtu', port: pty!.path, baud: 115_200 }
      : kind === 'tcp'
        ? { type: 'modbus_tcp', host: '127.0.0.1', port: proxy.port, max_inflight: index % 2 === 0 ? 4 : 1 }
        : { type: 'modbus_rtu_tcp', host: '127.0.0.1', port: proxy.port };
  const name = `${kind} ${index}`;
  const config = await fieldConfig({ buses: [{ name: 'b', timeout: `${TIMEOUT}ms`, retries: 0, ...where }] });
  const bus = createBus(config.buses[0]!, systemClock, silentLogger);
  if (!(bus instanceof ModbusBus)) throw new Error('no Modbus bus');
  bus.start();
  return { name, bus, proxy, pty, random };
}

/** 36 reads of every unit, in an order of the bus's own; as scans do, none is asked for again while others wait. */
function readsOf(random: () => number): ReadRequest[] {
  const reads: ReadRequest[] = [];
  for (const unit of UNITS) {
    for (let index = 0; index < 12; index++) {
      reads.push({ fn: index % 3 === 0 ? 4 : 3, unit, address: index * 40 + Math.floor(random() * 20), count: [2, 5, 5, 12][index % 4]! });
    }
  }
  return reads
    .map((read) => ({ read, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ read }) => read);
}

/** As many at a time as the bus has requests under way: what is read was asked for when the read began. */
function workersOf(line: Line, isOver: () => boolean, result: ChaosResult, confirmed: string[]): Promise<void>[] {
  const inflight = line.name.startsWith('tcp') && Number(line.name.slice(4)) % 2 === 0 ? 4 : 1;
  const reads = readsOf(line.random);
  let next = 0;
  let written = 0;
  const isLine = !line.name.startsWith('tcp');
  return Array.from({ length: inflight }, async (_, worker) => {
    while (!isOver()) {
      if (worker === 0 && line.random() < 0.02) {
        written++;
        await write(line, written, result, confirmed);
        continue;
      }
      const request = reads[next++ % reads.length]!;
      // The copies that the proxy makes of answers come up to 30 ms later.
      if (isLine && next % reads.length === 0) await sleep(35);
      await read(line, request, result);
    }
  });
}

/** Whether values came. */
async function read(line: Line, request: ReadRequest, result: ChaosResult): Promise<boolean> {
  const since = Date.now();
  const answering = line.bus.read(request, () => {});
  const answer = await ended(line, result, answering);
  if (answer?.kind === 'data') check(line, request, answer.data, since, result);
  else if (answer !== null) result.exceptions++;
  return answer?.kind === 'data';
}

/** null: it failed. A request that never ends throws. */
async function ended(line: Line, result: ChaosResult, answer: Promise<ModbusAnswer>): Promise<ModbusAnswer | null> {
  try {
    return await within(ENDS_WITHIN_MS, `the end of a request over ${line.name}`, answer);
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown;
    result.failed++;
    // There is no connection, or the unit is left alone: not asked in a busy loop.
    if (thrown.kind === 'bus_down' || thrown.kind === 'unit_down') await sleep(10);
    return null;
  }
}

function check(line: Line, { unit, address, count, fn }: ReadRequest, data: Buffer, since: number, result: ChaosResult): void {
  const last = Math.floor((Date.now() + SLACK_MS) / GENERATION_MS);
  for (let generation = Math.floor((since - SLACK_MS) / GENERATION_MS); generation <= last; generation++) {
    let fits = data.length === count * 2;
    for (let at = 0; fits && at < count; at++) {
      fits = data.readUInt16BE(at * 2) === ((unit * 4099 + (address + at) * 37 + (generation % 65_536) * 1009) & 0xffff);
    }
    if (fits) {
      result.good++;
      return;
    }
  }
  result.wrong.push(`${line.name}: unit ${unit} fn ${fn} ${address}+${count}: ${data.toString('hex')} (asked at ${since})`);
}

async function write(line: Line, number: number, result: ChaosResult, confirmed: string[]): Promise<void> {
  const unit = UNITS[number % UNITS.length]!;
  const address = SCRATCH + Number(line.name.split(' ').pop());
  const value = number & 0xffff;
  const answer = await ended(
    line,
    result,
    line.bus.write(unit, (send) => send(number % 2 === 0 ? { fn: 6, unit, address, value } : { fn: 16, unit, address, values: [value] })),
  );
  if (answer?.kind === 'done') confirmed.push(`${unit}:${address}:${value}`);
}

async function lostWrites(peer: RunningProcess, confirmed: string[]): Promise<string[]> {
  const lines = peer.lines.length;
  peer.write('journal\n');
  const journal = new Set((await peer.untilLines(lines + 1)).at(-1)!.split(' '));
  return confirmed.filter((entry) => !journal.has(entry));
}

/** Everything is read without a fault again. */
async function recover(line: Line, result: ChaosResult): Promise<void> {
  const reads = readsOf(line.random);
  const isWell = async () => {
    for (const request of reads) if (!(await read(line, request, result))) return false;
    return true;
  };
  try {
    await waitFor(isWell, { timeout: 15_000, interval: 200 });
  } catch {
    result.notRecovered.push(`${line.name}: ${JSON.stringify(line.bus.status())}`);
  }
}
