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
    assert.match(edited, /- \{type: tcp, port: 1883\} # plain\n {4}- type: tcp\n {6}port: 1\n/);
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
