/** Registers of SunSpec maps, made by hand from the model definitions: not with the code that reads them. */

export const NOT_IMPLEMENTED = 0xffff;
const NO_INT = 0x8000;

/** High register first. */
export function u32(value: number): number[] {
  return [Math.floor(value / 65536), value % 65536];
}

export function float(value: number): number[] {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatBE(value);
  return [bytes.readUInt16BE(0), bytes.readUInt16BE(2)];
}

export function text(value: string, registers: number): number[] {
  const bytes = Buffer.alloc(registers * 2);
  bytes.write(value, 'latin1');
  return Array.from({ length: registers }, (_, index) => bytes.readUInt16BE(index * 2));
}

export const signed = (value: number): number => value & 0xffff;

export const MARK = u32(0x53756e53);
export const END = [0xffff, 0];

export function common(model = 'Sun 10', length = 66): number[] {
  const body = [...text('Acme', 16), ...text(model, 16), ...text('', 8), ...text('1.2.3', 8), ...text('SN-4711', 16), 1, NO_INT];
  return [1, length, ...body.slice(0, length)];
}

/** Model 103: 2345 W with a factor of 10, 230.1 V on L1 only, 50.02 Hz, 123456 Wh x 100, producing. */
export function inverter(length = 50): number[] {
  const none = NOT_IMPLEMENTED;
  const body = [
    ...[1015, 1015, none, none, signed(-2)], // A and its factor
    ...[none, none, none, 2301, none, none, signed(-1)], // V
    ...[2345, 1], // W x 10
    ...[5002, signed(-2)], // Hz
    ...[NO_INT, NO_INT, NO_INT, NO_INT], // VA, var: neither value nor factor
    ...[signed(-998), signed(-1)], // PF
    ...[...u32(123456), 2], // Wh x 100
    ...[none, NO_INT, 6120, signed(-1), 2400, 1], // DC
    ...[412, NO_INT, NO_INT, NO_INT, signed(-1)], // temperatures
    ...[4, none], // state
    ...[...u32(0), ...u32(0), ...u32(0xffffffff), ...u32(0xffffffff), ...u32(0xffffffff), ...u32(0xffffffff)],
  ];
  return [103, length, ...body.slice(0, length)];
}

/** Model 113 with 1234.5 W; the voltages between phases are not implemented. */
export function floatInverter(): number[] {
  const values = [
    5.5,
    5.5,
    NaN,
    NaN,
    NaN,
    NaN,
    NaN,
    230.5,
    NaN,
    NaN,
    1234.5,
    49.98,
    NaN,
    NaN,
    99,
    7_654_321,
    NaN,
    NaN,
    1300,
    NaN,
    NaN,
    NaN,
    NaN,
  ];
  return [113, 60, ...values.flatMap(float), 4, NOT_IMPLEMENTED, ...Array.from({ length: 12 }, () => 0)];
}

/** Model 120: 10 kW. */
export function nameplate(): number[] {
  const body = Array.from({ length: 26 }, () => NOT_IMPLEMENTED);
  body[0] = 4;
  body[1] = 1000;
  body[2] = 1;
  body[3] = 1000;
  body[4] = 1;
  return [120, 26, ...body];
}

/** Model 160 with two modules of 3.05 A, 610.5 V, 1860 W. */
export function mppt(modules = 2): number[] {
  const one = (id: number) => [id, ...text(`String ${id}`, 8), 305, 6105, 186, ...u32(40_000 + id), ...u32(0), 38, 4, ...u32(0)];
  const head = [signed(-2), signed(-1), 1, 0, ...u32(0), modules, NOT_IMPLEMENTED];
  return [160, 8 + 20 * modules, ...head, ...Array.from({ length: modules }, (_, index) => one(index + 1)).flat()];
}

/** Model 203: -1500 W, 1000 kWh exported. */
export function meter(): number[] {
  const body = Array.from({ length: 105 }, () => NO_INT);
  const put = (offset: number, ...values: number[]) =>
    values.forEach((value, index) => {
      body[offset - 2 + index] = value;
    });
  put(16, 4999, signed(-2));
  put(18, signed(-1500), signed(-500), signed(-500), signed(-500), 0);
  put(38, ...u32(1000), ...u32(0), ...u32(0), ...u32(0), ...u32(25));
  put(54, 3);
  return [203, 105, ...body];
}
