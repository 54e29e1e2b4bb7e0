import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { needs } from '../support/needs.js';
import { waitFor } from '../support/wait-for.js';
import { openBrowser } from './chromium.js';

test('Chromium loads a page, runs its script and reports its errors', { skip: needs('chromium') }, async (t) => {
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'text/html');
    response.end(request.url === '/' ? '<h1></h1><script>document.querySelector("h1").textContent = innerWidth; boom()</script>' : '');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { page, complaints } = await openBrowser(t, { width: 390, height: 844 });
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  assert.equal(await page.textContent('h1'), '390');
  await waitFor(() => complaints.some((text) => text.includes('boom')), {
    message: () => `the complaint about boom in ${complaints.join(', ')}`,
  });
});
