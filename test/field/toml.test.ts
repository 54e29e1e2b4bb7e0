import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseToml, TomlFault } from '../../src/field/tags-file/import/toml.js';
import { runProcess } from '../support/process.js';

/** What Python's tomllib makes of texts: JSON (dates as text), or null where it refuses them. */
async function tomllib(texts: readonly string[]): Promise<unknown[]> {
  const program = `
import json, sys, tomllib
def one(text):
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return None
print(json.dumps([one(text) for text in json.loads(sys.argv[1])], default=lambda date: date.isoformat(), allow_nan=True))
`;
  const { stdout, code, stderr } = await runProcess('/usr/bin/python3', ['-c', program, JSON.stringify(texts)], { timeout: 30_000 });
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as unknown[];
}

function ours(text: string): unknown {
  try {
    return JSON.parse(JSON.stringify(parseToml(text).root)) as unknown;
  } catch (error) {
    if (error instanceof TomlFault) return null;
    throw error;
  }
}

const VALID = [
  '',
  '# only a comment',
  'a = 1\nb = -2\nc = +3\nd = 1_000\ne = 0x_'.slice(0, -7),
  'a = 0xDEAD_beef\nb = 0o755\nc = 0b1101',
  'a = 1.5\nb = -0.01\nc = 5e+22\nd = 1e06\ne = 6.626e-34\nf = 9_224_617.445_991',
  'a = true\nb = false',
  'a = "x"\nb = \'C:\\Users\'\nc = "tab\\t quote \\" unicode \\u00e9 \\U0001F600"',
  'a = """\nfirst\nsecond"""\nb = """one \\\n   two"""\nc = \'\'\'\nraw \\n\'\'\'\nd = """quote: "" end"""\ne = """"two""""',
  'a = []\nb = [1, 2, 3]\nc = [ "x", [1, 2], ]\nd = [\n  1, # one\n  2,\n]',
  'a = {}\nb = { x = 1, y = "z" }\nc = { d.e = 1, "f g" = 2 }',
  '[a]\nb = 1\n[a.c]\nd = 2\n[e.f.g]\nh = 3',
  '[[x]]\na = 1\n[[x]]\na = 2\n[x.y]\nb = 3\n[[x.z]]\nc = 4\n[[x.z]]\nc = 5',
  'a.b.c = 1\na.d = 2\n"quoted.key".x = 3\n[t]\nu.v = 1',
  '[a.b]\nc = 1\n[a]\nd = 2',
  'key = "value" # behind\r\nother = 1\r\n',
  '[[inputs.modbus]]\n  name = \'D\'\n  holding_registers = [\n    { name = "p", byte_order = "AB", scale=0.01,  address = [8]},\n  ]\n  [inputs.modbus.tags]\n    x = "y"',
  'bare-key_1 = 1\n1234 = "number key"',
  '__proto__ = 1\nconstructor = 2\n[x]\n__proto__ = {a = 1}',
];
const INVALID = [
  'a = ',
  'a 1',
  '= 1',
  'a = 1 b = 2',
  'a = "x',
  "a = 'x",
  'a = """x',
  'a = "\\q"',
  'a = "\\ud800"',
  'a = [1, 2',
  'a = [1 2]',
  'a = { x = 1',
  'a = 1\na = 2',
  '[a]\n[a]',
  '[a]\nb = 1\n[a.b]',
  'a = {x = 1}\n[a.y]',
  'a = {x = 1}\na.y = 2',
  'a = [{x = 1}]\n[[a]]',
  '[a]\n[[a]]',
  '[[a]]\n[a]',
  'a.b = 1\n[a]',
  'a = yes',
  'a = 012',
  'a = 1__0',
  'a = .5',
  'a = 5.',
  '[a',
  '[[a]',
  '[]',
  'a = "line\nend"',
];

describe("TOML, compared with Python's tomllib", () => {
  test('what is valid means the same', async () => {
    const expected = await tomllib(VALID);
    for (const [index, text] of VALID.entries()) {
      assert.notEqual(expected[index], null, `tomllib refuses ${text}`);
      assert.deepEqual(ours(text), expected[index], text);
    }
  });

  test('what is not valid is refused', async () => {
    const expected = await tomllib(INVALID);
    for (const [index, text] of INVALID.entries()) {
      assert.equal(expected[index], null, `tomllib takes ${text}`);
      assert.equal(ours(text), null, text);
    }
  });

  test('dates are text, and nothing else takes them', () => {
    assert.deepEqual(ours('a = 1979-05-27T07:32:00Z\nb = 1979-05-27\nc = 07:32:00'), {
      a: '1979-05-27T07:32:00Z',
      b: '1979-05-27',
      c: '07:32:00',
    });
  });

  test('faults have line and column, tables their line', () => {
    assert.throws(
      () => parseToml('a = 1\nb = oops\n'),
      (error: TomlFault) => error.line === 2 && error.column === 5,
    );
    const { root, lineOf } = parseToml('a = 1\n\n[b]\nc = [\n  {x = 1},\n  {x = 2},\n]\n');
    const b = root.b as { c: [object, object] };
    assert.deepEqual([lineOf(root.b as never), lineOf(b.c[0] as never), lineOf(b.c[1] as never)], [3, 5, 6]);
  });

  test('whatever is cut out of it or put into it, it is read or refused, never thrown over', () => {
    const whole = VALID.join('\n').replaceAll('\r', '');
    let seed = 7;
    const next = (below: number) => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
      return seed % below;
    };
    for (let i = 0; i < 3000; i++) {
      const from = next(whole.length);
      const piece = whole.slice(from, from + next(200));
      const at = next(piece.length + 1);
      ours(piece.slice(0, at) + ['"', '[', ']', '{', '}', '=', '.', '\n', '\\', "'", '#', ','][next(12)]! + piece.slice(at + next(5)));
    }
    assert.equal(ours('['.repeat(5000)), null);
    assert.equal(ours(`a = ${'['.repeat(5000)}`), null);
  });
});
