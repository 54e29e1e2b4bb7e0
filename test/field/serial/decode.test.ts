import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createDecoder, type Decoded, splitCsv } from '../../../src/field/serial/decode.js';
import type { DecodeConfig, InstrumentConfig } from '../../../src/field/serial/schema.js';
import { fieldConfig } from '../support.js';

/** As a configuration says it, with its defaults. */
async function decoded(written: object, frame: string | Buffer): Promise<Decoded> {
  const { devices } = await fieldConfig({
    buses: [{ name: 's', type: 'serial', port: '/dev/ttyUSB1' }],
    devices: [{ name: 'd', bus: 's', decode: written }],
  });
  const { decode } = devices[0] as InstrumentConfig & { decode: Exclude<DecodeConfig, { type: 'raw' }> };
  const bytes = typeof frame === 'string' ? Buffer.from(frame) : frame;
  return createDecoder(decode)({ bytes, content: bytes }, Date.now());
}

/** Values by place, `bad reason`, or why the frame is none. */
async function read(written: object, frame: string | Buffer): Promise<unknown> {
  const result = await decoded({ type: 'text', ...written }, frame);
  if ('problem' in result) return result.problem;
  return result.readings.map(({ reading }) => (reading.quality === 'bad' ? `bad ${reading.reason}` : reading.value));
}
const field = (name: string, more: object = {}) => ({ name, ...more });

describe('frames become values', () => {
  test('a text is a number, a text or nothing usable', async () => {
    assert.deepEqual(await read({ fields: [field('a')] }, ' -1.5e2 '), [-150]);
    assert.deepEqual(await read({ fields: [field('a')] }, '+ 12.0'), [12]);
    assert.deepEqual(await read({ fields: [field('a')] }, '12kg'), ['bad not_a_number']);
    assert.deepEqual(await read({ fields: [field('a')] }, '0x10'), ['bad not_a_number']);
    assert.deepEqual(await read({ fields: [field('a')] }, 'Infinity'), ['bad not_a_number']);
    assert.deepEqual(await read({ fields: [field('a')] }, '1e999'), ['bad not_a_number']);
    assert.deepEqual(await read({ fields: [field('a', { type: 'string' })] }, 'ÄÖ'), ['ÄÖ']);
    assert.deepEqual(await read({ fields: [field('a', { type: 'int' })] }, '1.5'), ['bad not_an_integer']);
    assert.deepEqual(await read({ fields: [field('a', { type: 'int' })] }, '9007199254740993'), ['9007199254740993']);
  });

  test('bytes that are no text are none of ours', async () => {
    assert.equal(await read({ fields: [field('a')] }, Buffer.from([0xff, 0x31])), 'it is not utf8');
    assert.equal(await read({ fields: [field('a')] }, Buffer.from([0x00, 0x31])), 'it has control characters');
  });

  test('a scaled number has no more decimals than it should', async () => {
    assert.deepEqual(await read({ fields: [field('a', { type: 'int', scale: 0.1 })] }, '3'), [0.3]);
  });

  test('JSON that is cut or no object is none of ours', async () => {
    const fields = [field('a', { path: 'x.0.y' })];
    assert.deepEqual(await read({ type: 'json', fields }, '{"x":[{"y":5}]}'), [5]);
    for (const text of ['{"x":[{"y":5}', '5', 'null', '']) assert.equal(await read({ type: 'json', fields }, text), 'it is no JSON object');
    assert.deepEqual(await read({ type: 'json', fields: [field('constructor')] }, '{}'), ['bad missing']);
  });

  test('an integer in JSON beyond 2^53 is not taken for another', async () => {
    assert.deepEqual(await read({ type: 'json', fields: [field('a', { type: 'int' })] }, '{"a":9007199254740993}'), ['bad not_exact']);
  });

  test('a regular expression that takes forever elsewhere does not here', async () => {
    const before = performance.now();
    await read({ type: 'regex', pattern: '^(a+)+(?<v>[0-9])$', fields: [field('v')] }, 'a'.repeat(4000));
    assert.ok(performance.now() - before < 2000);
  });

  test('CSV with quotes', async () => {
    assert.deepEqual(splitCsv('a,"b,""c""",,d', ','), ['a', 'b,"c"', '', 'd']);
    assert.equal(splitCsv('a,"b', ','), null);
    assert.equal(splitCsv('"a"b,c', ','), null);
    assert.deepEqual(await read({ type: 'csv', fields: [field('a'), field('b')] }, '1,'), [1, 'bad missing']);
  });
});

describe('binary frames', () => {
  const at = (place: number, format: string, more: object = {}) => ({ name: `f${place}_${format}`, at: place, format, ...more });
  const bytes = Buffer.from('fe fffe 01020304 0000c03f 4048f5c3 ffffffffffffffff 1234 4f4b2000'.replaceAll(' ', ''), 'hex');

  test('numbers of every width and either endian', async () => {
    const fields = [
      at(0, 'int8'),
      at(0, 'uint8', { name: 'u8' }),
      at(1, 'int16'),
      at(1, 'uint16', { name: 'le16', endian: 'little' }),
      at(3, 'uint24'),
      at(3, 'uint32', { name: 'u32' }),
      at(3, 'int32', { name: 'le32', endian: 'little' }),
      at(7, 'float32', { endian: 'little' }),
      at(11, 'float32', { precision: 2 }),
      at(15, 'uint64', { type: 'int' }),
      at(15, 'int64', { name: 'i64' }),
    ];
    assert.deepEqual(await read({ type: 'struct', fields }, bytes), [
      -2,
      254,
      -2,
      0xfeff,
      0x010203,
      0x01020304,
      0x04030201,
      1.5,
      3.14,
      '18446744073709551615',
      -1,
    ]);
  });

  test('BCD, text, bits, places from the end, scale', async () => {
    const fields = [
      at(23, 'bcd', { length: 2, scale: 0.1 }),
      at(-4, 'text', { length: 4, type: 'string' }),
      at(0, 'uint8', { bit: 0, type: 'bool' }),
      at(0, 'uint8', { name: 'bit7', bit: 7, type: 'bool' }),
      at(0, 'uint8', { name: 'scaled', scale: 0.1 }),
    ];
    assert.deepEqual(await read({ type: 'struct', fields }, bytes), [123.4, 'OK', false, true, 25.4]);
  });

  test('what is not there, no number or no digit is bad; a frame of another size is none', async () => {
    const fields = [at(0, 'float32'), at(4, 'bcd', { length: 1 }), at(5, 'uint16'), at(3, 'text', { length: 2 })];
    assert.deepEqual(await read({ type: 'struct', fields }, Buffer.from('7fc000001a05', 'hex')), [
      'bad not_a_number',
      'bad invalid_bcd',
      'bad missing',
      'bad not_a_text',
    ]);
    assert.equal(await read({ type: 'struct', size: 7, fields }, bytes), 'it has 29 bytes, not 7');
  });
});

describe('NMEA 0183', () => {
  const sentence = (body: string) =>
    `$${body}*${Buffer.from(body)
      .reduce((sum, byte) => sum ^ byte, 0)
      .toString(16)
      .toUpperCase()
      .padStart(2, '0')}`;
  const gga = (item: string, more: object = {}) => ({ name: item, sentence: 'GGA', item, ...more });
  const rmc = (item: string, more: object = {}) => ({ name: item, sentence: 'RMC', item, ...more });

  test('GGA and RMC as they are printed in the manuals', async () => {
    const position = [
      gga('latitude'),
      gga('longitude'),
      gga('altitude'),
      gga('satellites', { type: 'int' }),
      gga('time', { type: 'string' }),
    ];
    assert.deepEqual(await read({ type: 'nmea', fields: position }, '$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47'), [
      48.1173,
      11.5166667,
      545.4,
      8,
      '12:35:19',
    ]);
    const moving = [rmc('speed_knots'), rmc('course'), rmc('date', { type: 'string' }), rmc('magnetic_variation'), rmc('longitude')];
    assert.deepEqual(
      await read(
        { type: 'nmea', fields: moving },
        '$GPRMC,123519,A,4807.038,N,01131.000,W,022.4,084.4,230394,003.1,W*7B'.replace('*7B', '*78'),
      ),
      [22.4, 84.4, '2094-03-23', -3.1, -11.5166667],
    );
  });

  test('a wrong check sum, none, or half a sentence is none; of two joined ones the second counts', async () => {
    const fields = [{ name: 'h', sentence: 'HDT', item: 'heading' }];
    assert.match(String(await read({ type: 'nmea', fields }, '$GPHDT,274.07,T*04')), /its check sum is 04, and should be 03/);
    for (const text of ['$GPHDT,274.07,T', 'GPHDT,274.07,T*03', '$GPHDT,274']) {
      assert.equal(await read({ type: 'nmea', fields }, text), 'it is no NMEA sentence with a check sum', text);
    }
    assert.deepEqual(await read({ type: 'nmea', fields }, '$GPGGA,1235$GPHDT,274.07,T*03'), [274.07]);
  });

  test('a receiver without a fix has no position, also where it sends its last one', async () => {
    const fields = [rmc('latitude'), rmc('status', { type: 'string' }), { name: 'raw', sentence: 'RMC', column: 7 }];
    assert.deepEqual(await read({ type: 'nmea', fields }, sentence('GPRMC,123519,V,4807.038,N,01131.000,E,022.4,084.4,230394,,')), [
      'bad no_fix',
      'V',
      'bad no_fix',
    ]);
    assert.deepEqual(await read({ type: 'nmea', fields: [gga('latitude'), gga('quality')] }, sentence('GNGGA,,,,,,0,00,,,M,,M,,')), [
      'bad no_fix',
      0,
    ]);
  });

  test('what is empty or impossible is bad', async () => {
    const fields = [gga('latitude'), gga('longitude'), gga('hdop'), gga('altitude'), gga('time', { type: 'string' })];
    assert.deepEqual(await read({ type: 'nmea', fields }, sentence('GPGGA,256199,4860.000,N,18100.000,E,1,08,,high,M,,M,,')), [
      'bad not_a_position',
      'bad not_a_position',
      'bad missing',
      'bad not_a_number',
      'bad not_a_time',
    ]);
  });

  test('a short name is of any talker, a long one of this; sentences of which nothing is wanted say nothing', async () => {
    const fields = [
      { name: 'any', sentence: 'HDT', column: 1 },
      { name: 'he', sentence: 'HEHDT', column: 1 },
    ];
    assert.deepEqual(await read({ type: 'nmea', fields }, sentence('HEHDT,10.5,T')), [10.5, 10.5]);
    assert.deepEqual(await read({ type: 'nmea', fields }, sentence('GPHDT,10.5,T')), [10.5]);
    assert.deepEqual(await read({ type: 'nmea', fields }, sentence('GPGSV,1,1,00')), []);
  });

  test('wind in metres per second, whatever its unit', async () => {
    const fields = [{ name: 'v', sentence: 'MWV', item: 'speed' }];
    assert.deepEqual(await read({ type: 'nmea', fields }, sentence('WIMWV,214.8,R,36.0,K,A')), [10]);
    assert.deepEqual(await read({ type: 'nmea', fields }, sentence('WIMWV,214.8,R,10.0,N,A')), [5.1444]);
    assert.deepEqual(await read({ type: 'nmea', fields }, sentence('WIMWV,214.8,R,10.0,X,A')), ['bad wrong_unit']);
    assert.deepEqual(await read({ type: 'nmea', fields }, sentence('WIMWV,214.8,R,10.0,N,V')), ['bad no_fix']);
  });
});

describe('OBIS telegrams', () => {
  const lines =
    '/ISk5\\2MT382-1000\r\n\r\n1-0:1.8.1(123456.789*kWh)\r\n1-0:1.7.0(01.193*kW)\r\n0-0:96.14.0(0002)\r\n0-1:24.2.1(101209112500W)(12785.123*m3)\r\n!';
  const none = { type: 'obis', crc: 'none' };

  test('values, units, prefixes of units, any of the brackets', async () => {
    const fields = [
      { name: 'wh', code: '1-0:1.8.1', unit: 'Wh' },
      { name: 'kwh', code: '1-0:1.8.1*255', unit: 'kWh' },
      { name: 'w', code: '1-0:1.7.0', unit: 'W' },
      { name: 'tariff', code: '0-0:96.14.0', type: 'int' },
      { name: 'gas', code: '0-1:24.2.1', unit: 'm³' },
      { name: 'gas_time', code: '0-1:24.2.1', value: 0, type: 'string' },
      { name: 'mine', code: '1-0:1.7.0', unit: 'W', scale: 1000 },
    ];
    assert.deepEqual(await read({ ...none, fields }, lines), [123456789, 123456.789, 1193, 2, 12785.123, '101209112500W', 1193]);
  });

  test('another unit, a code that is missing or there twice, and what is no number are bad', async () => {
    const fields = [
      { name: 'a', code: '1-0:1.8.1', unit: 'm³' },
      { name: 'b', code: '1-0:2.8.1' },
      { name: 'c', code: '1-0:1.7.0' },
      { name: 'd', code: '0-1:24.2.1', value: 0 },
      { name: 'e', code: '0-1:24.2.1', value: 7 },
    ];
    assert.deepEqual(await read({ ...none, fields }, lines.replace('!', '1-0:1.7.0(02.000*kW)\r\n!')), [
      'bad wrong_unit',
      'bad missing',
      'bad ambiguous',
      'bad not_a_number',
      'bad missing',
    ]);
  });

  test('a line that goes on in the next one', async () => {
    const text = '0-1:24.3.0(090212160000)(00)(60)(1)(0-1:24.2.1)(m3)\r\n(00016.713)\r\n!';
    assert.deepEqual(await read({ ...none, fields: [{ name: 'gas', code: '0-1:24.3.0' }] }, text), [16.713]);
  });

  test('a telegram without its CRC, with a wrong one, or with none of the codes is none', async () => {
    const fields = [{ name: 'a', code: '1-0:1.8.1' }];
    assert.equal(await read({ type: 'obis', fields }, lines), 'there is no CRC behind the "!"');
    assert.match(String(await read({ type: 'obis', fields }, `${lines}1234`)), /its CRC is 1234, and should be [0-9A-F]{4}/);
    assert.equal(await read({ ...none, fields }, '/x\r\n!'), 'there is no OBIS code in it');
  });
});

describe('values that are none', () => {
  test('the nan and inf of C programs in JSON make their value bad, not the line', async () => {
    const fields = [field('t'), field('h'), field('s', { type: 'string' }), field('x')];
    assert.deepEqual(await read({ type: 'json', fields }, '{"t":nan,"h":21.5,"s":"nan inf","x":-Infinity}'), [
      'bad not_a_number',
      21.5,
      'nan inf',
      'bad not_a_number',
    ]);
  });

  test('NaN and Infinity in columns are no numbers', async () => {
    assert.deepEqual(await read({ type: 'csv', fields: [field('a'), field('b'), field('c')] }, 'NaN,inf,1e400'), [
      'bad not_a_number',
      'bad not_a_number',
      'bad not_a_number',
    ]);
  });

  test('a part of the frame may be decoded', async () => {
    assert.deepEqual(await read({ type: 'csv', from: 2, to: -3, fields: [field('a'), field('b')] }, '> 1.5,2*5A'), [1.5, 2]);
  });
});
