import assert from 'node:assert/strict';
import { chmod, mkdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ConfigErrors } from '../../src/config/errors.js';
import { type LoadOptions, loadConfig } from '../../src/config/load.js';
import { Secrets } from '../../src/config/secrets.js';
import { tempDir } from '../support/temp-dir.js';

async function errorsOf(file: string, options?: LoadOptions): Promise<string[]> {
  try {
    await loadConfig(file, options);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigErrors)) throw error;
    return error.errors.map((fault) => fault.toLine());
  }
}

describe('the file itself', () => {
  it('A missing file is said', async (t) => {
    assert.match((await errorsOf(join(await tempDir(t), 'no.yaml')))[0] ?? '', /no\.yaml: There is no such file\./);
  });

  it('A directory is said', async (t) => {
    assert.match((await errorsOf(await tempDir(t)))[0] ?? '', /a directory, not a file/);
  });

  it('A device is refused', async () => {
    assert.match((await errorsOf('/dev/zero'))[0] ?? '', /not a regular file/);
  });

  it('A file that is not UTF-8 is refused with the line', async (t) => {
    const file = join(await tempDir(t), 'a.yaml');
    await writeFile(file, Buffer.concat([Buffer.from('gateway:\n  name: '), Buffer.from([0xe9]), Buffer.from('t\n')]));
    assert.match((await errorsOf(file))[0] ?? '', /a\.yaml:2: The file is not UTF-8/);
  });

  it('A huge file is refused without being read', async (t) => {
    const file = join(await tempDir(t), 'a.yaml');
    await writeFile(file, '');
    await truncate(file, 2 ** 40);
    assert.match((await errorsOf(file))[0] ?? '', /at most 8388608 are read.*FER_CONFIG_LIMIT/);
  });

  it('A file without permission is refused', { skip: process.getuid?.() === 0 ? 'root may read everything' : false }, async (t) => {
    const file = join(await tempDir(t), 'a.yaml');
    await writeFile(file, '', { mode: 0 });
    assert.match((await errorsOf(file))[0] ?? '', /may not be read/);
  });
});

describe('files that the configuration names', () => {
  const TLS = 'broker:\n  listeners:\n    - {type: tls, cert: tls/gw.pem, key: tls}\n';

  it('check: what is missing or no file is an error at its place', async (t) => {
    const folder = await tempDir(t);
    await mkdir(join(folder, 'tls'));
    await writeFile(join(folder, 'a.yaml'), TLS);
    const errors = await errorsOf(join(folder, 'a.yaml'), { files: 'error' });
    assert.equal(errors.length, 2);
    assert.match(errors[0] ?? '', /a\.yaml:3:25 .*There is no file .*\/tls\/gw\.pem.*FER_CONFIG_FILE/);
    assert.match(errors[1] ?? '', /a\.yaml:3:42 .*is a directory, not a file/);
  });

  it('start: the same is a warning, so that the rest can run', async (t) => {
    const folder = await tempDir(t);
    await writeFile(join(folder, 'a.yaml'), TLS);
    assert.equal((await loadConfig(join(folder, 'a.yaml'))).warnings.length, 2);
  });
});

describe('secrets', () => {
  async function secretsIn(t: Parameters<typeof tempDir>[0], content: string | null, mode = 0o600): Promise<Secrets> {
    const folder = await tempDir(t);
    if (content !== null) {
      await writeFile(join(folder, 'secrets.yaml'), content);
      await chmod(join(folder, 'secrets.yaml'), mode);
    }
    return new Secrets({ configFile: join(folder, 'ferrule.yaml') });
  }

  it('A secret comes from the file beside the configuration', async (t) => {
    const secrets = await secretsIn(t, 'cloud: p4ss\n');
    assert.deepEqual(await secrets.get('cloud'), { value: 'p4ss' });
    assert.deepEqual([secrets.errors, secrets.warnings], [[], []]);
  });

  it('A file that everybody may read is refused', async (t) => {
    const secrets = await secretsIn(t, 'cloud: p4ss\n', 0o604);
    assert.ok('missing' in (await secrets.get('cloud')));
    assert.match(secrets.errors[0]?.toLine() ?? '', /mode 0604.*chmod 600/);
  });

  it('A file that a group may read is used, with a warning', async (t) => {
    const secrets = await secretsIn(t, 'cloud: p4ss\n', 0o640);
    assert.deepEqual(await secrets.get('cloud'), { value: 'p4ss' });
    assert.equal(secrets.warnings.length, 1);
  });

  it('A secret that is missing is named, with the place to add it', async (t) => {
    const answer = await (await secretsIn(t, null)).get('cloud');
    assert.ok('missing' in answer && answer.missing.includes('"cloud"') && answer.hint.includes('secrets.yaml'));
  });

  it('A number must be quoted, and the message does not show it', async (t) => {
    const secrets = await secretsIn(t, 'pin: 4711\n');
    await secrets.get('pin');
    assert.match(secrets.errors[0]?.toLine() ?? '', /secrets\.yaml:1:6 pin: .*must be text/);
    assert.doesNotMatch(secrets.errors[0]?.toLine() ?? '', /4711/);
  });

  it("A credential of systemd wins over the file, without its file's last newline", async (t) => {
    const folder = await tempDir(t);
    await writeFile(join(folder, 'secrets.yaml'), 'cloud: old\n', { mode: 0o600 });
    await mkdir(join(folder, 'credentials'));
    await writeFile(join(folder, 'credentials', 'cloud'), 'new\n');
    const secrets = new Secrets({ configFile: join(folder, 'ferrule.yaml'), credentialsDirectory: join(folder, 'credentials') });
    assert.deepEqual(await secrets.get('cloud'), { value: 'new' });
  });

  it('A name can not leave the directory of credentials', async (t) => {
    const folder = await tempDir(t);
    await mkdir(join(folder, 'credentials'));
    await writeFile(join(folder, 'outside'), 'x');
    const secrets = new Secrets({ configFile: join(folder, 'ferrule.yaml'), credentialsDirectory: join(folder, 'credentials') });
    assert.ok('missing' in (await secrets.get('../outside')));
  });
});
