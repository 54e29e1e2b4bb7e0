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
import type { Kind } from './frames.js';
import { ChaosProxy } from './proxy.js';
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

/** How the lines of each kind are configured, and what their frames look like. */
const LINES = {
  tcp: { type: 'modbus_tcp', framing: 'tcp', isPort: false },
  rtuOverTcp: { type: 'modbus_rtu_tcp', framing: 'rtu', isPort: false },
  rtuPty: { type: 'modbus_rtu', framing: 'rtu', isPort: true },
  asciiOverTcp: { type: 'modbus_ascii_tcp', framing: 'ascii', isPort: false },
  asciiPty: { type: 'modbus_ascii', framing: 'ascii', isPort: true },
} as const satisfies Record<string, { type: string; framing: Kind; isPort: boolean }>;
type LineKind = keyof typeof LINES;

export interface ChaosOptions {
  seed: number;
  /** Requests to send, over all buses. */
  requests: number;
  /** ms after which it ends in any case. */
  limit: number;
  /** Buses of each kind. */
  width: Record<LineKind, number>;
  progress?: (text: string) => void;
}

export interface ChaosResult {
  requests: number;
  /** Of those, by kind of line. */
  byKind: Partial<Record<LineKind, number>>;
  good: number;
  failed: number;
  exceptions: number;
  /** Values that were given as good and were not: must be empty. */
  wrong: string[];
  /** For each of them, what passed on its line before. */
  traces: string[];
  /** Writes that were confirmed and never reached the server: must be empty. */
  lostWrites: string[];
  /** Writes that were sent twice, or carried out more often than they and their copies were sent: must be empty. */
  doubledWrites: string[];
  confirmedWrites: number;
  /** Writes that were carried out again since the way doubled them. They give values, so that the second time changes nothing. */
  repeatedByWay: number;
  frames: number;
  faults: Record<string, number>;
  /** Buses that did not answer every read again within 15 s after the chaos: must be empty. */
  notRecovered: string[];
  ms: number;
}

interface Line {
  name: string;
  kind: LineKind;
  index: number;
  /** Requests under way at a time. */
  inflight: number;
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

/** Reads and writes through bad ways to pymodbus servers, over Modbus TCP, RTU and ASCII over TCP and on pseudo terminals. */
export async function chaos(options: ChaosOptions): Promise<ChaosResult> {
  const peer = await startProcess('/usr/bin/python3', [join(packageRoot(), 'test/chaos/chaos_peer.py'), UNITS.join(',')], {
    ready: /listening (\d+) (\d+) (\d+)\n/,
  });
  const [tcp = 0, rtu = 0, ascii = 0] = /listening (\d+) (\d+) (\d+)/.exec(peer.stdout)!.slice(1).map(Number);
  const ports: Record<Kind, number> = { tcp, rtu, ascii };
  const lines: Line[] = [];
  const startedAt = performance.now();
  const result = emptyResult();
  try {
    const kinds = (Object.keys(LINES) as LineKind[]).flatMap((kind) => Array<LineKind>(options.width[kind]).fill(kind));
    for (const [index, kind] of kinds.entries()) {
      lines.push(await startLine(kind, index, ports[LINES[kind].framing], seeded(options.seed * 1000 + index)));
    }
    const confirmed: string[] = [];
    const sent = () => lines.reduce((sum, line) => sum + sentBy(line), 0);
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
    for (const line of lines) result.byKind[line.kind] = (result.byKind[line.kind] ?? 0) + sentBy(line);
    await checkWrites(peer, lines, confirmed, result);
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

function sentBy({ bus }: Line): number {
  return bus.units().reduce((sum, { counters }) => sum + counters.requests, 0);
}

function emptyResult(): ChaosResult {
  return {
    requests: 0,
    byKind: {},
    good: 0,
    failed: 0,
    exceptions: 0,
    wrong: [],
    traces: [],
    lostWrites: [],
    doubledWrites: [],
    confirmedWrites: 0,
    repeatedByWay: 0,
    frames: 0,
    faults: {},
    notRecovered: [],
    ms: 0,
  };
}

async function startLine(kind: LineKind, index: number, to: number, random: () => number): Promise<Line> {
  const { type, framing, isPort } = LINES[kind];
  const proxy = await ChaosProxy.start({ kind: framing, to, random, rate: 0.03, timeout: TIMEOUT });
  const pty = isPort ? await PtyLine.start(proxy.port) : null;
  const inflight = kind === 'tcp' && index % 2 === 0 ? 4 : 1;
  // As where a radio modem is on the line.
  const end = pty === null ? { host: '127.0.0.1', port: proxy.port } : { port: pty.path, baud: 115_200, duplicates_within: '50ms' };
  const where = { type, ...end, ...(kind === 'tcp' ? { max_inflight: inflight } : {}) };
  const name = `${kind} ${index}`;
  const config = await fieldConfig({ buses: [{ name: 'b', timeout: `${TIMEOUT}ms`, retries: 0, ...where }] });
  const bus = createBus(config.buses[0]!, systemClock, silentLogger);
  if (!(bus instanceof ModbusBus)) throw new Error('no Modbus bus');
  bus.start();
  return { name, kind, index, inflight, bus, proxy, pty, random };
}

/**
 * 12 reads of every unit; as scans do, none is asked for again while others wait. Half of the lines have reads of all shapes
 * in an order of their own, the others reads of one shape only, unit by unit: there nothing but its place tells an answer.
 */
function readsOf({ random, index }: Pick<Line, 'random' | 'index'>): ReadRequest[] {
  const isUniform = index % 2 === 1;
  const reads: ReadRequest[] = [];
  for (const unit of UNITS) {
    for (let block = 0; block < 12; block++) {
      const address = block * 40 + Math.floor(random() * 20);
      reads.push(
        isUniform ? { fn: 3, unit, address, count: 5 } : { fn: block % 3 === 0 ? 4 : 3, unit, address, count: [2, 5, 5, 12][block % 4]! },
      );
    }
  }
  if (isUniform) return reads;
  return reads
    .map((read) => ({ read, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ read }) => read);
}

/** As many at a time as the bus has requests under way: what is read was asked for when the read began. */
function workersOf(line: Line, isOver: () => boolean, result: ChaosResult, confirmed: string[]): Promise<void>[] {
  const reads = readsOf(line);
  let next = 0;
  let written = 0;
  return Array.from({ length: line.inflight }, async (_, worker) => {
    while (!isOver()) {
      if (worker === 0 && line.random() < 0.02) {
        written++;
        await write(line, written, result, confirmed);
        continue;
      }
      const request = reads[next++ % reads.length]!;
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
  const what = `${line.name}: unit ${unit} fn ${fn} ${address}+${count}: ${data.toString('hex')} (asked at ${since}, given at ${Date.now()})`;
  result.wrong.push(what);
  result.traces.push(`${what}\n${line.proxy.trace.join('\n')}`);
}

async function write(line: Line, number: number, result: ChaosResult, confirmed: string[]): Promise<void> {
  const unit = UNITS[number % UNITS.length]!;
  const address = SCRATCH + line.index;
  const value = number & 0xffff;
  const answer = await ended(
    line,
    result,
    line.bus.write(unit, (send) => send(number % 2 === 0 ? { fn: 6, unit, address, value } : { fn: 16, unit, address, values: [value] })),
  );
  if (answer?.kind === 'done') confirmed.push(`${unit}:${address}:${value}`);
}

/**
 * What was confirmed was carried out, nothing was sent twice, and what was carried out twice was doubled on its way. What a
 * register holds in the end is not asked: a copy that comes late, or a request that was overtaken, puts an older value there.
 */
async function checkWrites(peer: RunningProcess, lines: Line[], confirmed: string[], result: ChaosResult): Promise<void> {
  const heard = peer.lines.length;
  peer.write('journal\n');
  const journal = new Map<string, number>();
  for (const entry of (await peer.untilLines(heard + 1)).at(-1)!.split(' ').slice(1)) journal.set(entry, (journal.get(entry) ?? 0) + 1);
  result.confirmedWrites = confirmed.length;
  result.lostWrites = confirmed.filter((entry) => !journal.has(entry));
  for (const [entry, { sent, copies }] of lines.flatMap(({ proxy }) => [...proxy.written])) {
    const times = journal.get(entry) ?? 0;
    if (sent > 1 || times > sent + copies) {
      result.doubledWrites.push(`${entry} was sent ${sent} times, copied ${copies} times, carried out ${times} times`);
    } else if (times > 1) result.repeatedByWay++;
  }
}

/** Everything can be read again: each read at least once, since a busy machine may miss a timeout that is this short. */
async function recover(line: Line, result: ChaosResult): Promise<void> {
  const left = new Set(readsOf(line));
  const isWell = async () => {
    for (const request of left) if (await read(line, request, result)) left.delete(request);
    return left.size === 0;
  };
  try {
    await waitFor(isWell, { timeout: 15_000, interval: 200 });
  } catch {
    result.notRecovered.push(`${line.name}: ${JSON.stringify(line.bus.status())}`);
  }
}
