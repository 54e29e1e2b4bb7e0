import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { parse } from 'yaml';
import { demoConfig } from '../../../src/cli/demo-config.js';
import { type Plant, startPlant } from '../../../src/field/simulator/demo-plant.js';
import { DRIVE } from '../../../src/field/simulator/drive.js';
import { METER } from '../../../src/field/simulator/meter.js';
import { OVEN } from '../../../src/field/simulator/oven.js';
import { silentLogger } from '../../../src/log.js';
import { freePort } from '../../support/free-port.js';
import { ManualClock } from '../../support/manual-clock.js';
import { waitFor } from '../../support/wait-for.js';
import { RawModbus } from './raw-modbus.js';

interface Running {
  plant: Plant;
  clock: ManualClock;
  /** One register, or a float32 in two. */
  register(device: 'meter' | 'oven' | 'drive', fc: 3 | 4, address: number): Promise<number>;
  float(device: 'meter' | 'drive', fc: 3 | 4, address: number): Promise<number>;
  write(device: 'oven' | 'drive', address: number, value: number): Promise<Buffer>;
}

async function start(t: TestContext, seed = 1): Promise<Running> {
  const clock = new ManualClock();
  const plant = await startPlant({ host: '127.0.0.1', clock, log: silentLogger, seed });
  t.after(() => plant.stop());
  const masters = {
    meter: await RawModbus.open(t, plant.ports.meter),
    oven: await RawModbus.open(t, plant.ports.oven),
    drive: await RawModbus.open(t, plant.ports.drive),
  };
  const read = async (device: keyof typeof masters, fc: number, address: number, count: number): Promise<Buffer> => {
    // The drive is busy now and then, for one request.
    for (let attempt = 0; attempt < 5; attempt++) {
      const answer = await masters[device].request([fc, address >> 8, address & 0xff, 0, count]);
      if (answer?.[0] === fc) return answer.subarray(2);
    }
    throw new Error(`${device} does not answer for ${address}`);
  };
  return {
    plant,
    clock,
    register: async (device, fc, address) => (await read(device, fc, address, 1)).readInt16BE(),
    float: async (device, fc, address) => {
      const bytes = await read(device, fc, address, 2);
      return device === 'drive' ? Buffer.concat([bytes.subarray(2), bytes.subarray(0, 2)]).readFloatBE() : bytes.readFloatBE();
    },
    write: async (device, address, value) => (await masters[device].request([6, address >> 8, address & 0xff, value >> 8, value & 0xff]))!,
  };
}

/** Steps of the plant's own period, as time passes. */
function pass(clock: ManualClock, seconds: number): void {
  clock.advance(seconds * 1000);
}

test('each device says what it is', async (t) => {
  const { plant } = await start(t);
  for (const [device, product] of [
    ['meter', 'Simulated energy meter'],
    ['oven', 'Simulated oven'],
  ] as const) {
    const master = await RawModbus.open(t, plant.ports[device]);
    const answer = await master.request([43, 14, 1, 0]);
    assert.equal(
      answer?.subarray(7).toString('latin1'),
      `\0\x0cFerrule demo\x01${String.fromCharCode(product.length)}${product}\x02\x031.0`,
    );
  }
});

test('the meter agrees with itself: power is voltage times current times power factor', async (t) => {
  const { clock, float } = await start(t);
  pass(clock, 20);
  const factor = await float('meter', 4, METER.powerFactor);
  let sum = 0;
  for (const phase of [0, 2, 4]) {
    const voltage = await float('meter', 4, METER.voltage + phase);
    const power = await float('meter', 4, METER.power + phase);
    assert.ok(voltage > 215 && voltage < 240, `${voltage} V`);
    assert.ok(Math.abs(voltage * (await float('meter', 4, METER.current + phase)) * factor - power) < 1);
    sum += power;
  }
  assert.ok(Math.abs(sum - (await float('meter', 4, METER.totalPower))) < 1);
});

test('the meter counts the energy of its power', async (t) => {
  const { clock, float } = await start(t);
  const before = await float('meter', 4, METER.energy);
  let expected = 0;
  for (let second = 0; second < 300; second += 5) {
    pass(clock, 5);
    expected += ((await float('meter', 4, METER.totalPower)) * 5) / 3_600_000;
  }
  const counted = (await float('meter', 4, METER.energy)) - before;
  assert.ok(Math.abs(counted - expected) < expected * 0.05, `counted ${counted} kWh, power over time gives ${expected}`);
});

test('the meter sees the pump being stopped', async (t) => {
  const { clock, float, write } = await start(t);
  pass(clock, 10);
  const before = await float('meter', 4, METER.totalPower);
  assert.equal((await write('drive', DRIVE.run, 0))[0], 6);
  pass(clock, 15);
  assert.ok((await float('meter', 4, METER.totalPower)) < before - 1500);
});

test('the oven follows its setpoint, which can be written within its range only', async (t) => {
  const { clock, register, write } = await start(t);
  pass(clock, 60);
  assert.ok(Math.abs((await register('oven', 4, OVEN.inputs.temperature)) - 1800) < 20);
  assert.equal((await write('oven', OVEN.holding.setpoint, 1200))[0], 6);
  // The contactor sticks now and then: look more than once.
  let closest = Number.POSITIVE_INFINITY;
  for (let minute = 0; minute < 10; minute++) {
    pass(clock, 60);
    closest = Math.min(closest, Math.abs((await register('oven', 4, OVEN.inputs.temperature)) - 1200));
  }
  assert.ok(closest < 20, `no closer to the setpoint than ${closest / 10} °C`);
  assert.deepEqual(await write('oven', OVEN.holding.setpoint, 3001), Buffer.from([0x86, 3]));
});

test('the oven gets too hot now and then, so that its rule has something to tell', async (t) => {
  const { clock, register } = await start(t);
  let hottest = 0;
  for (let second = 0; second < 130; second += 5) {
    pass(clock, 5);
    hottest = Math.max(hottest, await register('oven', 4, OVEN.inputs.temperature));
  }
  assert.ok(hottest > 1950 && hottest < 2300, `${hottest / 10} °C`);
});

test('the drive ramps to its setpoint; flow follows', async (t) => {
  const { clock, register, float, write } = await start(t);
  await write('drive', DRIVE.setpoint, 600);
  pass(clock, 2);
  const onTheWay = await register('drive', 3, DRIVE.speed);
  assert.ok(onTheWay > 900 && onTheWay < 1010, `${onTheWay} rpm`);
  pass(clock, 10);
  assert.ok(Math.abs((await register('drive', 3, DRIVE.speed)) - 600) < 10);
  assert.equal((await register('drive', 3, DRIVE.status)) & 7, 7);
  assert.ok(Math.abs((await float('drive', 3, DRIVE.flow)) - 17.4) < 1);
});

test('the scale says a line each second, and one when asked', async (t) => {
  const { plant, clock } = await start(t);
  let text = '';
  const socket = connect(plant.ports.scale, '127.0.0.1').setEncoding('latin1');
  t.after(() => socket.destroy());
  socket.on('data', (more: string) => {
    text += more;
  });
  socket.write('W\r\n');
  await waitFor(() => text.includes('\r\n'), { message: 'the answer of the scale' });
  for (let second = 1; second <= 30; second++) {
    pass(clock, 1);
    await waitFor(() => text.split('\r\n').length === second + 2, { message: () => `line ${second} in ${JSON.stringify(text)}` });
  }
  const lines = text.trim().split('\r\n');
  for (const line of lines) assert.match(line, /^(ST|US),GS, *-?\d+\.\d\dkg$/);
  assert.ok(lines.includes('ST,GS,    0.00kg'));
  assert.ok(lines.some((line) => /^ST,GS, +2[45]\.\d\dkg$/.test(line)));
  assert.ok(lines.some((line) => line.startsWith('US')));
});

test('same seed, same values; another seed, others', async (t) => {
  const values = await Promise.all(
    [7, 7, 8].map(async (seed) => {
      const { clock, float } = await start(t, seed);
      pass(clock, 30);
      return float('meter', 4, METER.voltage);
    }),
  );
  assert.equal(values[0], values[1]);
  assert.notEqual(values[0], values[2]);
});

test('after stop nothing runs on, and a port in use stops what was started', async (t) => {
  const { plant, clock } = await start(t);
  const taken = startPlant({ host: '127.0.0.1', clock, log: silentLogger, ports: { scale: plant.ports.scale, meter: await freePort() } });
  await assert.rejects(taken, /EADDRINUSE/);
  await plant.stop();
  assert.equal(clock.pending, 0);
  await assert.rejects(RawModbus.open(t, plant.ports.meter), /ECONNREFUSED/);
});

test('every tag of the demo configuration is there in the plant', async (t) => {
  const { plant, register } = await start(t);
  const config = parse(demoConfig({ plant: plant.ports }), { strict: true }) as {
    field: {
      buses: { name: string; port: number }[];
      devices: { name: string; bus: string; tags?: { name: string; area: string; address: number }[] }[];
    };
  };
  assert.equal(config.field.devices.length, 4);
  let tags = 0;
  for (const device of config.field.devices) {
    const bus = config.field.buses.find(({ name }) => name === device.bus);
    assert.equal(bus?.port, plant.ports[device.name as keyof typeof plant.ports]);
    for (const tag of device.tags ?? []) {
      tags++;
      const fc = { input: 4, holding: 3, coil: 1, discrete: 2 }[tag.area];
      const master = await RawModbus.open(t, bus!.port);
      let answer = await master.request([fc!, 0, tag.address, 0, 1]);
      if (answer?.[1] === 6) answer = await master.request([fc!, 0, tag.address, 0, 1]);
      assert.equal(answer?.[0], fc, `${device.name}.${tag.name} answers ${answer?.toString('hex')}`);
    }
  }
  assert.ok(tags > 25);
  assert.ok((await register('oven', 3, 0)) > 0);
});
