import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { packageRoot } from '../../src/paths.js';
import { filesUnder } from '../tree/files.js';

const DIST = join(packageRoot(), 'dist/ui');
const LIMIT = 150 * 1024;

const files = filesUnder(DIST).filter((file) => !file.startsWith('.'));

test('the built console is less than 150 KB gzip in all', () => {
  assert.ok(files.includes('index.html'), `no index.html in dist/ui: ${files.join(', ')}`);
  const size = files.reduce((sum, file) => sum + gzipSync(readFileSync(join(DIST, file))).length, 0);
  assert.ok(size < LIMIT, `${size} bytes`);
});

test('the built console names no other host', () => {
  // Namespaces are names, not addresses.
  const names = /https?:\/\/(?!www\.w3\.org\/)[\w.-]+/g;
  const found = files.flatMap((file) => [...readFileSync(join(DIST, file), 'utf8').matchAll(names)].map(([url]) => `${file}: ${url}`));
  assert.deepEqual(found, []);
});

test('the page has no script and no style of its own in it, which the content security policy would refuse', () => {
  const page = readFileSync(join(DIST, 'index.html'), 'utf8');
  assert.match(page, /<script type="module"[^>]* src="\/assets\//);
  assert.doesNotMatch(page, /<style|\sstyle=|<script(?![^>]*\ssrc=)/);
});
