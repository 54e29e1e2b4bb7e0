import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { TestContext } from 'node:test';
import type { Page } from 'playwright-core';
import { type BrowserOptions, type OpenBrowser, openBrowser } from '../peers/chromium.js';
import { ADMIN, type ConsoleFixture, startConsoleFixture } from '../support/console-fixture.js';

/** Every page of the console, and something on it that shows that its data are there. */
export const PAGES: { path: string; title: string; ready: string }[] = [
  { path: '/', title: 'Overview', ready: 'text=What needs attention' },
  { path: '/devices', title: 'Devices', ready: 'td:has-text("192.0.2.1:5020")' },
  { path: '/devices/press2?trend=oil_temperature,oil_pressure', title: 'press2', ready: '.trend-box canvas' },
  { path: '/add-device?bus=line1&unit=3', title: 'Add a device', ready: '.picker td:has-text("Eastron")' },
  { path: '/add-device?what=instrument', title: 'Add a device', ready: '.port-notes' },
  { path: '/explorer', title: 'Explorer', ready: 'a:has-text("line1")' },
  { path: '/explorer/line1', title: 'line1', ready: '.trace' },
  { path: '/explorer/line1?tool=units', title: 'line1', ready: '.histogram' },
  { path: '/explorer/line1?tool=registers', title: 'line1', ready: 'button:has-text("Read")' },
  { path: '/explorer/line1?tool=scan', title: 'line1', ready: '.scan-form' },
  { path: '/explorer/scale_port', title: 'scale_port', ready: '.terminal-send' },
  { path: '/topics?topic=field%2Fpress2%2Foil_temperature', title: 'Topics', ready: '.topic-detail pre' },
  { path: '/clients', title: 'Clients', ready: '.bans td' },
  { path: '/clients/mes-connector', title: 'mes-connector', ready: '.client-subscriptions td' },
  { path: '/rules', title: 'Rules', ready: 'text=oil too hot' },
  { path: '/uplink', title: 'Uplink', ready: 'text=head-office' },
  { path: '/security', title: 'Security', ready: 'td:has-text("panel")' },
  { path: '/system', title: 'System', ready: 'text=Parts of the gateway' },
];

export interface Visit extends ConsoleFixture, OpenBrowser {}

/** A claimed gateway and a browser that is logged in as its administrator, on the overview. */
export async function visit(t: TestContext, options: BrowserOptions = {}): Promise<Visit> {
  const fixture = await startConsoleFixture(t, { claimed: true });
  const browser = await openBrowser(t, options);
  browser.page.setDefaultTimeout(15_000);
  await browser.page.goto(fixture.url);
  await logIn(browser.page);
  return { ...fixture, ...browser };
}

export async function logIn(page: Page, password = ADMIN.password): Promise<void> {
  await page.fill('input[name=username]', ADMIN.username);
  await page.fill('input[name=password]', password);
  await page.click('button[type=submit]');
  if (password === ADMIN.password) await page.waitForSelector('#main h1');
}

/** What the browser complained about, without what belongs to the test: streams and polls given up, and the question who is logged in. */
export function faults(complaints: readonly string[]): string[] {
  return complaints.filter(
    (text) =>
      !(/\/(stream\?|trace\?|frames|units|scans|plan|profiles|serial-ports).*ERR_ABORTED$/.test(text) || /status of 401/.test(text)),
  );
}

/** Makes axe available on every page that is opened from now on: a script tag would break the content security policy. */
export async function addAxe(page: Page): Promise<void> {
  const file = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
  await page.addInitScript({ content: readFileSync(file, 'utf8') });
}

interface AxeResult {
  violations: { id: string; impact: string | null; nodes: { target: string[]; failureSummary?: string }[] }[];
}

/** What axe finds that is serious or critical, one line each. */
export async function seriousViolations(page: Page): Promise<string[]> {
  const result = await page.evaluate(() => {
    const { axe } = globalThis as unknown as { axe: { run(): Promise<AxeResult> } };
    return axe.run();
  });
  return result.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target.join(' ')}: ${node.failureSummary ?? ''}`));
}

/** CSS pixels that the page is wider than its window. */
export async function overflow(page: Page): Promise<number> {
  return await page.evaluate('document.documentElement.scrollWidth - window.innerWidth');
}
