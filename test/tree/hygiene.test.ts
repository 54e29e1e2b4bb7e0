import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ERROR_CODES } from '../../src/errors.js';
import { packageRoot } from '../../src/paths.js';
import { filesUnder } from './files.js';
import { RETIRED_CODES } from './rules.js';
import { tokenize } from './tokens.js';

const SOURCE = /\.(ts|tsx|mjs|js|css|py|c|sh)$/;
const MAX_LINES = 600;

/** Path -> content of the sources below these folders. */
function sourcesOf(...folders: string[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const folder of folders) {
    for (const file of filesUnder(join(packageRoot(), folder)).filter((path) => SOURCE.test(path))) {
      found.set(`${folder}/${file}`, readFileSync(join(packageRoot(), folder, file), 'utf8'));
    }
  }
  return found;
}

test(`no source file has more than ${MAX_LINES} lines`, () => {
  const long = [...sourcesOf('src', 'ui', 'test', 'scripts')]
    .map(([file, text]) => ({ file, lines: text.split('\n').length - 1 }))
    .filter(({ lines }) => lines > MAX_LINES)
    .map(({ file, lines }) => `${file}: ${lines} lines`);
  assert.deepEqual(long, []);
});

test('every error code in the sources is in the catalogue', () => {
  const unknown = [...sourcesOf('src')].flatMap(([file, text]) =>
    tokenize(text)
      .filter(
        (token) => token.kind === 'string' && /^FER_[A-Z0-9_]*[A-Z0-9]$/.test(token.text ?? '') && !((token.text ?? '') in ERROR_CODES),
      )
      .map((token) => `${file}:${token.line}: ${token.text}`),
  );
  assert.deepEqual(unknown, []);
});

test('every error code of the catalogue is used, or retired', () => {
  const used = [...sourcesOf('src')].filter(([file]) => file !== 'src/errors.ts').map(([, text]) => text);
  const all = used.join('\n');
  const unused = Object.keys(ERROR_CODES).filter((code) => !RETIRED_CODES.includes(code) && !new RegExp(`\\b${code}\\b`).test(all));
  assert.deepEqual(unused, []);
});

test('a retired error code is still in the catalogue, and used nowhere', () => {
  const all = [...sourcesOf('src')].filter(([file]) => file !== 'src/errors.ts').map(([, text]) => text);
  for (const code of RETIRED_CODES) {
    assert.ok(code in ERROR_CODES, `${code} is gone from ERROR_CODES`);
    assert.ok(!all.some((text) => new RegExp(`\\b${code}\\b`).test(text)), `${code} is retired but used`);
  }
});

test('nothing is left to be done later in the sources', () => {
  // Written apart, so that this file does not find itself.
  const later = new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X'].join('|')})\\b`);
  const found = [...sourcesOf('src', 'ui', 'scripts', 'test')].flatMap(([file, text]) =>
    text.split('\n').flatMap((line, index) => (later.test(line) ? [`${file}:${index + 1}: ${line.trim()}`] : [])),
  );
  assert.deepEqual(found, []);
});
