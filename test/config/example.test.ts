import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ConfigErrors } from '../../src/config/errors.js';
import { parseConfig } from '../../src/config/load.js';
import { packageRoot } from '../../src/paths.js';

const FILE = join(packageRoot(), 'docs/ferrule.example.yaml');
const example = readFile(FILE, 'utf8');
const load = async () => parseConfig(await example, FILE, { files: 'ignore' });

/** The same numbers at each run, so that a failure can be repeated. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return state % below;
  };
}

describe('the example configuration', () => {
  it('It is correct, and what has no effect yet is listed', async () => {
    const { warnings } = await load();
    assert.deepEqual(
      warnings.map((warning) => `${warning.code} ${warning.where?.subject}`),
      ['history', 'discovery.mdns'].map((key) => `FER_CONFIG_NOT_YET ${key}`),
    );
  });

  it('Its units, paths and nested defaults arrive as code reads them', async () => {
    const { config } = await load();
    const [meter, scale] = config.field.devices;
    assert.deepEqual(meter !== undefined && 'scan' in meter ? meter.scan : null, { fast: 1000, slow: 30_000 });
    assert.equal(scale !== undefined && 'decode' in scale && scale.frame?.type === 'delimiter' ? scale.frame.max : null, 128);
    assert.deepEqual(
      config.field.buses.map((bus) => ('timeout' in bus ? bus.timeout : null)),
      [500, 1000, 1000, null],
    );
    assert.equal(config.bridges[0]?.spool.max_bytes, 2 ** 30);
    assert.equal(config.bridges[0]?.spool.max_age, 30 * 86_400_000);
    assert.equal(config.rules.directory, join(packageRoot(), 'docs/rules'));
    assert.deepEqual(config.log, { level: 'info', levels: { bridge: 'debug' } });
  });

  it('However it is damaged, it loads or says where it is wrong', async () => {
    const text = await example;
    const pieces = [
      '{',
      '}',
      '[',
      ']',
      ':',
      ',',
      'null',
      '~',
      '- ',
      '"',
      "'",
      '*a',
      '&a ',
      '\t',
      '\n',
      '  ',
      '0',
      '-1',
      '1e999',
      'true',
      '? ',
      '|',
    ];
    pieces.push('>', '!!binary ', '!x ', '#', '%', '__proto__: ', 'constructor: {}', '{secret: x}', '.nan', '\u0000', '\ufeff', '\r', '😀');
    const random = randomNumbers(4711);
    for (let round = 0; round < 300; round++) {
      let damaged = text;
      for (let cut = 0; cut <= random(4); cut++) {
        const at = random(damaged.length);
        damaged = damaged.slice(0, at) + (pieces[random(pieces.length)] ?? '') + damaged.slice(at + random(12));
      }
      try {
        await parseConfig(damaged, FILE, { files: 'ignore' });
      } catch (error) {
        if (!(error instanceof ConfigErrors)) throw new Error(`round ${round} escaped:\n${damaged}`, { cause: error });
        for (const fault of error.errors) {
          assert.ok((fault.where?.line ?? 0) > 0, fault.toLine());
          assert.doesNotMatch(fault.toLine(), /undefined|\[object|NaN/);
        }
      }
    }
  });
});
