import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { systemClock } from '../../src/clock.js';
import { Console } from '../../src/console/console.js';
import { silentLogger } from '../../src/log.js';
import { packageRoot } from '../../src/paths.js';
import { ConsolePlant } from './console-plant.js';
import { freePort } from './free-port.js';
import { tempDir } from './temp-dir.js';

export const ADMIN = { username: 'ada', password: 'correct horse battery' };

export interface ConsoleFixture {
  plant: ConsolePlant;
  /** Ends and begins again at the same port, as a restart of the gateway does. */
  console: Console;
  url: string;
  /** null: the gateway had been claimed when it started. */
  setupCode: string | null;
}

/** The real console server with the built console, behind it a plant in memory whose values move. */
export async function startConsoleFixture(t: TestContext, options: { claimed?: boolean } = {}): Promise<ConsoleFixture> {
  const plant = new ConsolePlant();
  const port = await freePort();
  let setupCode: string | null = null;
  const console = new Console({
    settings: { host: '127.0.0.1', port, tls: 'off' },
    ports: plant.ports(),
    uiDir: join(packageRoot(), 'dist/ui'),
    tlsDir: join(await tempDir(t), 'tls'),
    clock: systemClock,
    log: silentLogger,
    onSetupCode: (code) => {
      setupCode = code;
    },
  });
  plant.start();
  t.after(async () => {
    plant.stop();
    await console.stop();
  });
  await console.start();
  const url = `http://127.0.0.1:${port}`;
  if (options.claimed === true) await claim(url, setupCode);
  return { plant, console, url, setupCode };
}

async function claim(url: string, code: string | null): Promise<void> {
  const response = await fetch(`${url}/api/v1/setup/claim`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ code, ...ADMIN }),
  });
  if (response.status !== 201) throw new Error(`claim answered ${response.status}: ${await response.text()}`);
}
