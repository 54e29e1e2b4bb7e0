import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Fault } from '../../src/field/fault.js';
import { AsciiFraming } from '../../src/field/modbus/ascii.js';
import { ModbusBus } from '../../src/field/modbus/bus.js';
import { lineTiming, NO_LINE } from '../../src/field/modbus/line.js';
import type { ModbusAnswer, ReadRequest } from '../../src/field/modbus/pdu.js';
import { RtuTransport } from '../../src/field/modbus/rtu-transport.js';
import { TcpTransport } from '../../src/field/modbus/tcp-transport.js';
import { silentLogger } from '../../src/log.js';
import { ManualClock } from '../support/manual-clock.js';
import { ClockedDevice, type Framing, GENERATION_MS, type Heard, registerAt } from './clocked-device.js';

/**
 * The faults that were measured on other libraries, one by one, against the whole bus on a clock of its own. What every
 * register holds tells its unit, its address and when it was read: a value that was swapped or is old shows.
 */
const TIMEOUT = 200;
const READS: ReadRequest[] = [
  { fn: 3, unit: 1, address: 0, count: 4 },
  { fn: 3, unit: 1, address: 100, count: 4 },
  { fn: 3, unit: 1, address: 200, count: 10 },
  { fn: 3, unit: 2, address: 0, count: 4 },
  { fn: 4, unit: 2, address: 50, count: 4 },
];
const SCAN_MS = 1000;

type Line = Framing | 'rtu over tcp';
const FRAMING: Record<Line, Framing> = { rtu: 'rtu', 'rtu over tcp': 'rtu', ascii: 'ascii', tcp: 'tcp' };

interface Run {
  good: number;
  wrong: string[];
  failed: number;
  bus: ModbusBus;
  device: ClockedDevice;
}

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

function busOn(line: Line, device: ClockedDevice, clock: ManualClock, maxInflight: number): ModbusBus {
  return new ModbusBus({
    name: 'b',
    type: line,
    retries: 1,
    patienceMs: TIMEOUT,
    clock,
    log: silentLogger,
    opener: device,
    transport: (events) => {
      if (line === 'tcp') return new TcpTransport({ clock, timeoutMs: TIMEOUT, maxInflight, events });
      const timing = line === 'rtu' ? lineTiming(19_200, 11) : NO_LINE;
      const framing = line === 'ascii' ? { framing: new AsciiFraming() } : {};
      return new RtuTransport({ clock, timeoutMs: TIMEOUT, timing, events, ...framing });
    },
    resetWhenSilent: line === 'tcp' || line === 'rtu over tcp',
  });
}

/** `scans` scans of all reads, a second apart or without a pause. */
async function scan(
  line: Line,
  scans: number,
  respond: (heard: Heard, random: () => number) => void,
  inflight = 1,
  { reads = READS, scanMs = SCAN_MS }: { reads?: ReadRequest[]; scanMs?: number } = {},
): Promise<Run> {
  const clock = new ManualClock();
  const random = seeded(17);
  const device = new ClockedDevice(clock, FRAMING[line], (heard) => respond(heard, random));
  const bus = busOn(line, device, clock, inflight);
  bus.start();
  await clock.advanceAsync(1);
  const run: Run = { good: 0, wrong: [], failed: 0, bus, device };
  for (let round = 0; round < scans; round++) {
    const since = device.generation;
    let open = reads.length;
    for (const request of reads) {
      bus
        .read(request, () => {})
        .then(
          (answer) => check(run, request, answer, since, Math.floor(clock.mono() / GENERATION_MS)),
          (thrown: unknown) => {
            if (!(thrown instanceof Fault)) run.wrong.push(String(thrown));
            run.failed++;
          },
        )
        .finally(() => open--);
    }
    const next = (round + 1) * scanMs;
    while (open > 0) await clock.advanceAsync(scanMs > 0 ? 10 : 1);
    await clock.advanceAsync(Math.max(1, next - clock.mono()));
  }
  await bus.stop();
  // What the device still has to say.
  await clock.advanceAsync(5000);
  assert.equal(clock.pending, 0, 'timers are left');
  return run;
}

function check(run: Run, request: ReadRequest, answer: ModbusAnswer, since: number, now: number): void {
  if (answer.kind !== 'data') {
    run.failed++;
    return;
  }
  for (let generation = since; generation <= now; generation++) {
    const fits = Array.from({ length: request.count }, (_, i) => registerAt(request.unit, request.address + i, generation));
    if (fits.every((value, i) => value === answer.data.readUInt16BE(i * 2))) {
      run.good++;
      return;
    }
  }
  run.wrong.push(`${JSON.stringify(request)} at generation ${now}: ${answer.data.toString('hex')}`);
}

function pduOf(framing: Framing, frame: Buffer): Buffer {
  if (framing === 'tcp') return frame.subarray(7);
  return (framing === 'ascii' ? new AsciiFraming().decode(frame) : frame).subarray(1, -2);
}

const LINES: Line[] = ['rtu', 'rtu over tcp', 'ascii', 'tcp'];

for (const line of LINES) {
  describe(`no value is wrong over ${line}`, () => {
    test('when every third answer is 30 ms late, through ten minutes of scans', async () => {
      const run = await scan(line, 600, (heard, random) => heard.device.answer(heard, random() < 0.33 ? TIMEOUT + 30 : 5));
      assert.deepEqual(run.wrong, []);
      assert.ok(run.good > 600, `${run.good} good`);
      assert.ok(run.bus.unitStatus(1).counters.late > 50);
    });

    test('when a unit is always 20 ms slower than its timeout, and the other one is read all the same', async () => {
      const run = await scan(line, 200, (heard) => heard.device.answer(heard, heard.unit === 1 ? TIMEOUT + 20 : 5));
      assert.deepEqual(run.wrong, []);
      assert.ok(run.good > 200, `${run.good} good`);
      assert.equal(run.bus.unitStatus(1).counters.answers, 0);
    });

    const often = (bad: (heard: Heard, random: () => number) => void) => (heard: Heard, random: () => number) =>
      random() < 0.3 ? bad(heard, random) : heard.device.answer(heard, 5);
    const changed = (change: (frame: Buffer, heard: Heard, random: () => number) => Buffer[]) =>
      often((heard, random) => heard.device.answer(heard, 5, (frame) => change(frame, heard, random)));
    /** Another answer to the same request, with its check sum as it must be. */
    const forged = (change: (pdu: Buffer) => Buffer, unitOf = (unit: number) => unit) =>
      changed((frame, heard) => {
        const pdu = pduOf(heard.device.framing, frame);
        return [heard.device.frame(heard.id, unitOf(heard.unit), change(Buffer.from(pdu)))];
      });

    const faults: [string, (heard: Heard, random: () => number) => void][] = [
      ['are cut short', changed((frame, _, random) => [frame.subarray(0, Math.floor(random() * frame.length))])],
      ['come twice at once', changed((frame) => [frame, frame])],
      ['come twice in one piece', changed((frame) => [Buffer.concat([frame, frame])])],
      [
        'come again a little later',
        often((heard, random) =>
          heard.device.answer(heard, 5, (frame) => {
            heard.device.send(frame, 1 + random() * 30);
            return [frame];
          }),
        ),
      ],
      [
        'are given twice because the request was doubled',
        often((heard) => {
          heard.device.answer(heard, 5);
          heard.device.answer(heard, 5);
        }),
      ],
      ['have garbage before them', changed((frame, _, random) => [Buffer.from([random() * 256, 0xff, 1, 3, random() * 256]), frame])],
      [
        'come from another unit',
        forged(
          (pdu) => pdu,
          (unit) => 3 - unit,
        ),
      ],
      [
        'have another byte count',
        forged((pdu) => {
          const longer = Buffer.concat([pdu, Buffer.from([0, 1])]);
          longer[1] = longer.length - 2;
          return longer;
        }),
      ],
      ['have another function', forged((pdu) => Buffer.concat([Buffer.from([7 - pdu.readUInt8(0)]), pdu.subarray(1)]))],
      ['say less than they hold', forged((pdu) => Buffer.concat([pdu, Buffer.from([1, 2])]))],
      ['are late by anything up to three timeouts', often((heard, random) => heard.device.answer(heard, TIMEOUT * (1 + 2 * random())))],
      ['are noise', changed((frame, _, random) => [Buffer.from(frame.map(() => random() * 256))])],
      ['do not come at all', often(() => {})],
      ['come byte by byte', changed((frame) => [...frame].map((byte) => Buffer.from([byte])))],
      [
        'are cut off by a reset, with requests pending',
        changed((frame, heard) => {
          queueMicrotask(() => heard.device.reset());
          return [frame.subarray(0, 4)];
        }),
      ],
    ];
    for (const [what, respond] of faults) {
      for (const inflight of line === 'tcp' ? [1, 4] : [1]) {
        test(`when answers ${what}${inflight > 1 ? `, with ${inflight} requests under way` : ''}`, async () => {
          const run = await scan(line, 120, respond, inflight);
          assert.deepEqual(run.wrong, []);
          // Where several are under way, one that is late holds up all of them; where a line is cut, what is not proven is not given.
          const holdsBack = (inflight > 1 && what.startsWith('are late')) || what.startsWith('are cut off');
          assert.ok(run.good > (holdsBack ? 40 : 60), `${run.good} good, ${run.failed} failed`);
        });
      }
    }
  });
}

describe('no value is wrong over tcp', () => {
  for (const [what, at] of [
    ['transaction', 0],
    ['protocol', 2],
  ] as const) {
    test(`when answers have another ${what} id`, async () => {
      const run = await scan('tcp', 120, (heard, random) =>
        heard.device.answer(heard, 5, (frame) => {
          if (random() < 0.2) frame.writeUInt16BE((frame.readUInt16BE(at) + 1 + Math.floor(random() * 3)) & 0xffff, at);
          return [frame];
        }),
      );
      assert.deepEqual(run.wrong, []);
      assert.ok(run.good > 60, `${run.good} good, ${run.failed} failed`);
    });
  }
});

for (const line of ['rtu', 'rtu over tcp'] as const) {
  test(`a request that was doubled does not put a busy line one answer behind (${line})`, async () => {
    // The same read again and again: its copies have its own bytes. Only the other unit's turn shows that one is too many.
    const reads = [READS[0]!, READS[3]!];
    const twice = (heard: Heard, random: () => number) => {
      heard.device.answer(heard, 30);
      if (random() < 0.1) heard.device.answer(heard, 30);
    };
    const run = await scan(line, 1000, twice, 1, { reads, scanMs: 0 });
    assert.deepEqual(run.wrong, []);
    assert.ok(run.good > 1500, `${run.good} good, ${run.failed} failed`);
  });
}

describe('a line that gives back what is sent', () => {
  const echo = (answers: (heard: Heard) => boolean) => (heard: Heard) => {
    heard.device.send(heard.raw, 1);
    if (answers(heard)) heard.device.answer(heard, 60);
  };

  for (const line of ['rtu', 'rtu over tcp', 'ascii'] as const) {
    test(`is read over ${line} as any other, without counting errors`, async () => {
      const run = await scan(
        line,
        50,
        echo(() => true),
      );
      assert.deepEqual(run.wrong, []);
      assert.equal(run.good, 250);
      assert.equal(run.bus.unitStatus(1).counters.crcErrors, 0);
    });
  }

  for (const before of ['a read', 'nothing'] as const) {
    test(`does not confirm a write that the device never got (${before} before it)`, async () => {
      const clock = new ManualClock();
      const device = new ClockedDevice(
        clock,
        'rtu',
        echo(({ pdu }) => pdu.readUInt8(0) === 3),
      );
      const bus = busOn('rtu', device, clock, 1);
      bus.start();
      await clock.advanceAsync(1);
      if (before === 'a read') {
        const read = bus.read(READS[0]!, () => {});
        await clock.advanceAsync(100);
        assert.equal((await read).kind, 'data');
      }
      const write = (value: number) => bus.write(1, (send) => send({ fn: 6, unit: 1, address: 7, value }));
      const lost = assert.rejects(write(1), (fault) => fault instanceof Fault && fault.kind === 'timeout');
      await clock.advanceAsync(1000);
      await lost;
      device.respond = echo(() => true);
      const done = write(2);
      await clock.advanceAsync(1000);
      assert.equal((await done).kind, 'done');
      await bus.stop();
    });
  }
});
