import type { TestContext } from 'node:test';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { tempDir } from '../support/temp-dir.js';

export interface BrowserOptions {
  /** Pixels; default 1440 x 900. */
  width?: number;
  height?: number;
  /** Default: light. */
  colorScheme?: 'light' | 'dark';
}

export interface OpenBrowser {
  context: BrowserContext;
  page: Page;
  /** What the pages complained about: uncaught errors, console errors, requests that failed. */
  complaints: string[];
}

const ARGS = [
  '--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking',
  '--disable-component-update --disable-sync',
]
  .join(' ')
  .split(' ');

/** Opens Debian's Chromium, headless, with a profile of its own; it ends with the test. */
export async function openBrowser(t: TestContext, options: BrowserOptions = {}): Promise<OpenBrowser> {
  const { width = 1440, height = 900, colorScheme = 'light' } = options;
  const profile = await tempDir(t);
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: '/usr/bin/chromium',
    headless: true,
    args: ARGS,
    viewport: { width, height },
    colorScheme,
    ignoreHTTPSErrors: true,
  });
  t.after(() => context.close());
  const page = context.pages()[0] ?? (await context.newPage());
  const complaints: string[] = [];
  context.on('weberror', (error) => complaints.push(error.error().message));
  context.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  context.on('requestfailed', (request) =>
    complaints.push(`${request.method()} ${request.url()}: ${request.failure()?.errorText ?? 'failed'}`),
  );
  return { context, page, complaints };
}
