import assert from 'node:assert/strict';
import { chmod, lstat, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { editText, writeFileAtomically } from '../../src/config/edit.js';
import { FerruleError } from '../../src/errors.js';
import { tempDir } from '../support/temp-dir.js';

const TEXT = `# The press hall's gateway
gateway:
  id: press-hall-2      # on the door
  name: "Press hall"

broker:
  # clients of the hall
  listeners:
    - {type: tcp, port: 1883}   # plain
    - {type: ws,  port: 8083}
  limits: {max_inflight: 100}
log:
`;

describe('editing the text', () => {
  it('A scalar is replaced where it stands, and nothing else changes', () => {
    assert.equal(
      editText(TEXT, [{ op: 'set', path: ['broker', 'listeners', 0, 'port'], value: 1884 }]),
      TEXT.replace('port: 1883}   # plain', 'port: 1884}   # plain'),
    );
  });

  it('Text that was quoted stays quoted', () => {
    assert.equal(editText(TEXT, [{ op: 'set', path: ['gateway', 'name'], value: 'Hall 3' }]), TEXT.replace('"Press hall"', '"Hall 3"'));
  });

  it('Text that YAML would read as something else is quoted', () => {
    for (const value of ['true', '12', 'a: b', '# no', '{x}', '- y', '']) {
      const edited = editText(TEXT, [{ op: 'set', path: ['gateway', 'id'], value }]);
      assert.ok(edited.includes(`id: ${JSON.stringify(value)}      # on the door`), edited);
    }
  });

  it('A key in an existing mapping is added beside the others, comments stay', () => {
    const edited = editText(TEXT, [{ op: 'set', path: ['broker', 'limits', 'max_connections'], value: 5 }]);
    assert.ok(edited.includes('limits: {max_inflight: 100, max_connections: 5}'), edited);
    for (const comment of ["# The press hall's gateway", '# on the door', '# clients of the hall', '# plain'])
      assert.ok(edited.includes(comment), comment);
  });

  it('An empty section takes a key', () => {
    assert.match(editText(TEXT, [{ op: 'set', path: ['log', 'level'], value: 'debug' }]), /log:\n {2}level: debug\n$/);
  });

  it('An empty file takes a key', () => {
    assert.equal(editText('', [{ op: 'set', path: ['gateway', 'id'], value: 'x' }]), 'gateway:\n  id: x\n');
  });

  it('An item is appended to a list, and one is deleted', () => {
    const edited = editText(TEXT, [
      { op: 'set', path: ['broker', 'listeners', 2], value: { type: 'tcp', port: 1 } },
      { op: 'delete', path: ['broker', 'listeners', 1] },
    ]);
    assert.ok(!edited.includes('8083'), edited);
    assert.match(edited, /- \{type: tcp, port: 1883\} {3}# plain\n {4}- type: tcp\n {6}port: 1\n/);
  });

  const KEPT = `# by hand
field:
  buses:
    - {name: roof,  type: modbus_tcp}   # through the wall

    # the cellar comes later
  devices: []     # none yet
rules:   {directory: rules}
`;
  const device = { name: 'a b', bus: 'roof', scan: { fast: '1s' }, tags: [{ name: 'x', address: 1 }] };
  const lines = (indent: string) =>
    ['- name: a b', '  bus: roof', '  scan: {fast: 1s}', '  tags:', '    - {name: x, address: 1}']
      .map((line) => `${indent}${line}\n`)
      .join('');

  it('What is added is lines of their own: no other line changes', () => {
    const bus = { op: 'set', path: ['field', 'buses', 1], value: { name: 'hall' } } as const;
    const added = { op: 'set', path: ['field', 'devices', 0], value: device, isCompact: true } as const;
    const edited = editText(KEPT, [bus, added] as never);
    const wall = '# through the wall\n';
    const expected = KEPT.replace(wall, `${wall}    - name: hall\n`).replace(
      'devices: []     # none yet\n',
      `devices:     # none yet\n${lines('    ')}`,
    );
    assert.equal(edited, expected);
  });

  it('Sections that are missing, or stand there empty, are opened where they belong', () => {
    const edit = [{ op: 'set' as const, path: ['field', 'devices', 0], value: device, isCompact: true }];
    assert.equal(editText('a:  1   # x\n', edit), `a:  1   # x\nfield:\n  devices:\n${lines('    ')}`);
    assert.equal(editText('field:  # x\nb: {}', edit), `field:  # x\n  devices:\n${lines('    ')}b: {}`);
    assert.equal(editText('field:\n  buses: []\n  devices:\nb: 1\n', edit), `field:\n  buses: []\n  devices:\n${lines('    ')}b: 1\n`);
    assert.equal(editText('field:\n- a\n', [{ op: 'set', path: ['field', 1], value: 'b' }]), 'field:\n- a\n- b\n');
    assert.equal(editText('a: 1\r\n', [{ op: 'set', path: ['b'], value: [1] }]), 'a: 1\r\nb:\r\n  - 1\r\n');
    assert.equal(editText('a: |\n  text\n\n', [{ op: 'set', path: ['b'], value: 2 }]), 'a: |\n  text\nb: 2\n\n');
  });

  it('What is in one line gets more in it', () => {
    assert.equal(
      editText('field: {devices: [{name: a}]}\n', [{ op: 'set', path: ['field', 'devices', 1], value: { name: 'b' } }]),
      'field: {devices: [{name: a}, {name: b}]}\n',
    );
  });

  it('A key with its lines is deleted, and no other line changes', () => {
    const text = 'd:\n  - name: x   # y\n    tags:  # z\n      - {a:  1}\n      - b\n    # after\n    unit:   1\n';
    assert.equal(editText(text, [{ op: 'delete', path: ['d', 0, 'tags'] }]), 'd:\n  - name: x   # y\n    # after\n    unit:   1\n');
    assert.equal(editText('a:\n  b: 1\nc: 2\n', [{ op: 'delete', path: ['a', 'b'] }]), 'a: {}\nc: 2\n');
  });

  const HALL = `field:
  # what there is
  devices:
    # the press, unit 3
    - name: press   # old
      unit: 3

      tags:
        - {name: a,  address: 1}
      # scan: {fast: 1s}

    # the oven
    - {name: oven,  unit: 4}   # new
    # the pumps
    - name: pump1
    - name: pump2
  # after
rules:   {directory: rules}
`;
  const without = (text: string, index: number) => editText(text, [{ op: 'delete', path: ['field', 'devices', index] }]);

  it('An item of a list is deleted with its comments, and no other line changes', () => {
    const press = HALL.slice(HALL.indexOf('    # the press'), HALL.indexOf('\n    # the oven'));
    assert.equal(without(HALL, 0), HALL.replace(press, ''));
    assert.equal(without(HALL, 1), HALL.replace('    # the oven\n    - {name: oven,  unit: 4}   # new\n', ''));
    assert.equal(without(HALL, 3), HALL.replace('    - name: pump2\n', ''));
  });

  it('A comment above an item that the next one may share stays', () => {
    assert.equal(without(HALL, 2), HALL.replace('    - name: pump1\n', ''));
  });

  it('A list that loses its only item is empty, and takes one again', () => {
    const text = 'field:\n  devices:   # none\n    # the keys: tags.md\n    - name: a\n      unit: 1\n  buses:\n  - b: 1 # c\nx: 1\n';
    const edited = without(text, 0);
    assert.equal(edited, 'field:\n  devices: []   # none\n    # the keys: tags.md\n  buses:\n  - b: 1 # c\nx: 1\n');
    assert.equal(
      editText(edited, [{ op: 'delete', path: ['field', 'buses', 0] }]),
      'field:\n  devices: []   # none\n    # the keys: tags.md\n  buses: []\nx: 1\n',
    );
    const again = editText(edited, [{ op: 'set', path: ['field', 'devices', 0], value: { name: 'a' } }]);
    assert.match(again, /devices: {3}# none\n {2}- name: a\n/);
  });

  it('An item that the rest of the text refers to is not deleted', () => {
    const text = 'field:\n  devices:\n    - name: a\n      scan: &slow {fast: 1s}\n    - name: b\n      scan: *slow\n';
    assert.throws(() => without(text, 0), { code: 'FER_CONFIG_WRITE', message: /slow/ });
    assert.equal(without(text, 1), text.slice(0, text.indexOf('    - name: b')));
  });

  it('A path through a scalar is refused', () => {
    assert.throws(() => editText(TEXT, [{ op: 'set', path: ['gateway', 'id', 'x'], value: 1 }]), { code: 'FER_CONFIG_WRITE' });
  });

  it('An index beyond the end of a list is refused', () => {
    assert.throws(() => editText(TEXT, [{ op: 'set', path: ['broker', 'listeners', 7], value: {} }]), { code: 'FER_CONFIG_WRITE' });
  });
});

describe('writing the file', () => {
  it('The mode of the file stays, and nothing is left beside it', async (t) => {
    const folder = await tempDir(t);
    const file = join(folder, 'a.yaml');
    await writeFile(file, 'old');
    await chmod(file, 0o604);
    await writeFileAtomically(file, 'new');
    assert.equal(await readFile(file, 'utf8'), 'new');
    assert.equal((await stat(file)).mode & 0o777, 0o604);
    assert.deepEqual(await readdir(folder), ['a.yaml']);
  });

  it('A new file gets the mode that is asked for', async (t) => {
    const file = join(await tempDir(t), 'secrets.yaml');
    await writeFileAtomically(file, 'x', 0o600);
    assert.equal((await stat(file)).mode & 0o777, 0o600);
  });

  it('The old inode is replaced, never written into', async (t) => {
    const file = join(await tempDir(t), 'a.yaml');
    await writeFile(file, 'old');
    const before = (await stat(file)).ino;
    await writeFileAtomically(file, 'new');
    assert.notEqual((await stat(file)).ino, before);
  });

  it('A symbolic link stays one', async (t) => {
    const folder = await tempDir(t);
    await mkdir(join(folder, 'real'));
    await writeFile(join(folder, 'real', 'a.yaml'), 'old');
    await symlink('real/a.yaml', join(folder, 'a.yaml'));
    await writeFileAtomically(join(folder, 'a.yaml'), 'new');
    assert.ok((await lstat(join(folder, 'a.yaml'))).isSymbolicLink());
    assert.equal(await readFile(join(folder, 'real', 'a.yaml'), 'utf8'), 'new');
  });

  it('A folder that is missing is said, with a code', async (t) => {
    const folder = await tempDir(t);
    await assert.rejects(
      writeFileAtomically(join(folder, 'none', 'a.yaml'), 'x'),
      (error) => error instanceof FerruleError && error.code === 'FER_CONFIG_WRITE',
    );
  });
});
