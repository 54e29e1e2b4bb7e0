import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openBrowser } from '../peers/chromium.js';
import { ADMIN, startConsoleFixture } from '../support/console-fixture.js';
import { writeFault } from '../support/console-plant.js';
import { needs } from '../support/needs.js';
import { waitFor } from '../support/wait-for.js';
import { addAxe, faults, logIn, overflow, PAGES, seriousViolations, visit } from './console-support.js';

const skip = needs('chromium');

test('a fresh gateway is claimed with its setup code; a wrong code and two different passwords are told', { skip }, async (t) => {
  const { url, setupCode } = await startConsoleFixture(t);
  const { page, complaints } = await openBrowser(t);
  await page.goto(`${url}/devices`);
  const submit = 'button:has-text("Claim this gateway")';
  await page.fill('input[name=code]', 'AAAA-AAAA');
  await page.fill('input[name=username]', ADMIN.username);
  await page.fill('input[name=password]', ADMIN.password);
  await page.fill('input[name=again]', `${ADMIN.password}!`);
  await page.click(submit);
  await page.waitForSelector('text=The two passwords differ.');
  await page.fill('input[name=again]', ADMIN.password);
  await page.click(submit);
  const alert = page.locator('[role=alert]');
  await alert.waitFor();
  assert.match((await alert.textContent()) ?? '', /The setup code is wrong\..*journal.*FER_CONSOLE_SETUP_CODE/s);
  await page.fill('input[name=code]', ` ${setupCode?.toLowerCase()} `);
  await page.click(submit);
  // The page that was asked for, then the overview.
  await page.waitForSelector('#main h1:has-text("Devices")');
  await page.click('nav >> text=Overview');
  await page.waitForSelector('text=What needs attention');
  assert.match((await page.textContent('.attention')) ?? '', /bridge head-office.*What to do: Check the address/s);
  assert.equal(await page.title(), 'Overview · Press hall 2 · Ferrule');
  assert.deepEqual(
    faults(complaints).filter((text) => !text.includes('status of 403')),
    [],
  );
});

test('a wrong password is refused in words, and after the end of a session the login leads back to the same page', { skip }, async (t) => {
  const { url } = await startConsoleFixture(t, { claimed: true });
  const { page, context } = await openBrowser(t);
  await page.goto(`${url}/devices/press2`);
  await logIn(page, 'not the password');
  await page.waitForSelector('text=User name or password is wrong.');
  await logIn(page);
  await page.waitForSelector('#main h1:has-text("press2")');
  // Another tab of the same browser signs out: the stream of this one ends with the login.
  const other = await context.newPage();
  await other.goto(`${url}/system`);
  await other.click('nav >> text=Sign out');
  await page.waitForSelector('text=Your session has ended.');
  await logIn(page);
  await page.waitForSelector('#main h1:has-text("press2")');
  assert.equal(new URL(page.url()).pathname, '/devices/press2');
});

test('a value that changes in the plant changes on the screen, with its unit, precision and quality', { skip }, async (t) => {
  const { page, plant, url } = await visit(t);
  await page.click('nav >> text=Devices');
  await page.click('a:has-text("press2")');
  const row = page.locator('[data-tag=motor_current]');
  await row.locator('text=outside its range').waitFor();
  await page.evaluate('window.mark = 1');
  plant.tag('press2', 'motor_current').quality = 'good';
  plant.tag('press2', 'motor_current').reason = null;
  plant.setTag('press2', 'motor_current', 77.777);
  await row.locator('.value:has-text("77.8")').waitFor();
  await row.locator('text=Good').waitFor();
  assert.match((await row.textContent()) ?? '', /77\.8\s*A/);
  assert.equal(await page.evaluate('window.mark'), 1, 'the page was loaded again');
  assert.equal(page.url(), `${url}/devices/press2`);
  await page.check('[aria-label="motor_current in the trend"]');
  await page.waitForSelector('.legend >> text=motor_current');
});

test('a setpoint is written after a confirmation; a refusal of the device is shown with its code and what to do', { skip }, async (t) => {
  const { page, plant, url } = await visit(t);
  await page.goto(`${url}/devices/press2`);
  await page.click('button[aria-label="Write temperature_setpoint"]');
  const dialog = page.locator('dialog');
  await dialog.locator('input').fill('warm');
  await dialog.locator('text=Continue').click();
  await dialog.locator('text=Enter a number').waitFor();
  await dialog.locator('input').fill('58,5');
  await dialog.locator('text=Continue').click();
  plant.writeFault = writeFault();
  await dialog.locator('text=Write 58.5 °C').click();
  await dialog.locator('text=FER_FIELD_REFUSED').waitFor();
  assert.match((await dialog.textContent()) ?? '', /value not allowed.*Check the limits/);
  assert.equal(plant.tag('press2', 'temperature_setpoint').value, 55);
  plant.writeFault = null;
  await dialog.locator('text=Write 58.5 °C').click();
  await page.waitForSelector('text=press2/temperature_setpoint was written: 58.5 °C');
  await page.locator('[data-tag=temperature_setpoint] .value:has-text("58.5")').waitFor();
  assert.equal(await dialog.count(), 0);
});

test('a lost connection shows at once, values are not called good any more, and all heals by itself', { skip }, async (t) => {
  const { page, plant, url, console } = await visit(t);
  await page.goto(`${url}/devices/press2`);
  const value = page.locator('[data-tag=cooling_pump]');
  await value.locator('text=Good').waitFor();
  await console.stop();
  await page.waitForSelector('text=No connection to the gateway since');
  await value.locator('text=Not live').waitFor();
  plant.setTag('press2', 'cooling_pump', false);
  await console.start();
  await page.waitForSelector('.link-banner', { state: 'detached' });
  await value.locator('.value:has-text("Off")').waitFor();
  await value.locator('text=Good').waitFor();
});

test('topics are found, shown in detail and published to; a session is discarded by name; a bridge pauses', { skip }, async (t) => {
  const { page, plant, url, complaints } = await visit(t);
  await page.goto(`${url}/topics`);
  await page.click('button:has-text("oil_pressure")');
  await page.click('text=Publish here');
  await page.fill('.publish textarea', '{"value": 1}');
  await page.click('.publish button:has-text("Publish")');
  await page.waitForSelector('text=Published to field/press2/oil_pressure.');
  assert.equal(plant.messaging.published.at(-1)?.payload.toString(), '{"value": 1}');
  await page.click('nav >> text=Clients');
  await page.click('td >> text=mes-connector');
  await page.click('text=Discard session');
  const dialog = page.locator('dialog');
  assert.match((await dialog.textContent()) ?? '', /mes-connector.*1,204 messages that wait for it.*1 subscription/s);
  await dialog.locator('button:has-text("Discard session")').click();
  await page.waitForSelector('text=The session of mes-connector was discarded.');
  assert.equal(
    plant.clients.some((client) => client.clientId === 'mes-connector'),
    false,
  );
  await page.click('nav >> text=Uplink');
  await page.locator('.bridge').first().locator('text=Pause').click();
  await dialog.locator('button:has-text("Pause")').click();
  await page.waitForSelector('text=The bridge cloud was paused.');
  await page.locator('.bridge').first().locator('text=Resume').click();
  await page.waitForSelector('text=The bridge cloud was resumed.');
  assert.deepEqual(faults(complaints), []);
});

test('a client page shows all that is known of it, and follows its packets; a pause holds them still', { skip }, async (t) => {
  const { page, plant, url, complaints } = await visit(t);
  await page.goto(`${url}/clients/mes-connector`);
  await page.waitForSelector('.client-subscriptions td');
  await page.click('.trace button:has-text("Follow")');
  await page.waitForSelector('text=Waiting for the next packet');
  const [listener] = plant.traces;
  const publish = {
    at: Date.now(),
    direction: 'out',
    client: 'mes-connector',
    type: 'publish',
    topic: 'field/a',
    qos: 1,
    packetId: 7,
    size: 4,
  };
  listener?.packet(publish);
  await page.waitForSelector('.packet:has-text("field/a · QoS 1 · #7 · 4 B")');
  await page.click('.trace button:has-text("Pause")');
  listener?.packet({ ...publish, topic: 'field/b' });
  await page.waitForSelector('text=Paused. 1 more packet since.');
  assert.equal(await page.locator('.packet').count(), 1);
  await page.click('.trace button:has-text("Go on")');
  await page.waitForSelector('.packet:has-text("field/b")');
  await page.click('.trace button:has-text("Stop")');
  await waitFor(() => plant.traces.size === 0);
  assert.equal(await page.locator('.packet').count(), 2);
  assert.deepEqual(faults(complaints), []);
});

test('a client is banned from its page, the ban is listed, and lifted', { skip }, async (t) => {
  const { page, plant, url, complaints } = await visit(t);
  await page.goto(`${url}/clients/mes-connector`);
  await page.click('.page-actions button:has-text("Ban")');
  const dialog = page.locator('dialog');
  await dialog.locator('input').nth(1).fill('floods');
  await dialog.locator('button:has-text("For good")').click();
  await dialog.locator('button[type=submit]').click();
  await page.waitForSelector('text=mes-connector was banned.');
  const [ban] = plant.bans;
  assert.deepEqual([ban?.kind, ban?.value, ban?.reason, ban?.expiresAt], ['client', 'mes-connector', 'floods', null]);
  await page.goto(`${url}/clients`);
  await page.click('[aria-label="Lift the ban of mes-connector"]');
  await dialog.locator('button[type=submit]').click();
  await page.waitForSelector('text=The ban of mes-connector was lifted.');
  assert.equal(
    plant.bans.some(({ value }) => value === 'mes-connector'),
    false,
  );
  assert.deepEqual(faults(complaints), []);
});

test('clients are sent to another server, and served here again', { skip }, async (t) => {
  const { page, plant, url, complaints } = await visit(t);
  await page.goto(`${url}/clients`);
  await page.waitForSelector('.redirect >> text=All clients are served here.');
  await page.click('.redirect button:has-text("Send clients elsewhere")');
  const dialog = page.locator('dialog');
  await dialog.locator('button[type=submit]').click();
  await page.waitForSelector('text=Enter where the clients should go.');
  assert.equal(plant.redirect, null);
  await dialog.locator('input').nth(0).fill('standby.plant:1883');
  await dialog.locator('input').nth(1).fill('panel-*  hmi');
  await dialog.locator('button[type=submit]').click();
  await page.waitForSelector('.redirect >> text=Clients are sent to standby.plant:1883, for now.');
  assert.deepEqual(plant.redirect, { server: 'standby.plant:1883', permanent: false, allow: ['panel-*', 'hmi'], source: 'api' });
  await page.click('.redirect button:has-text("Serve them here again")');
  await dialog.locator('button[type=submit]').click();
  await page.waitForSelector('.redirect >> text=All clients are served here.');
  assert.equal(plant.redirect, null);
  assert.deepEqual(faults(complaints), []);
});

test('MQTT users are added, given another password and deleted', { skip }, async (t) => {
  const { page, plant, url } = await visit(t);
  await page.goto(`${url}/security`);
  await page.click('text=Add user');
  const fields = page.locator('dialog input');
  await fields.nth(0).fill('scada');
  await fields.nth(1).fill('one');
  await fields.nth(2).fill('two');
  await page.click('dialog button[type=submit]');
  await page.waitForSelector('text=The two passwords differ.');
  await fields.nth(2).fill('one');
  await page.click('dialog button[type=submit]');
  await page.waitForSelector('text=The MQTT user scada was added.');
  assert.equal(plant.mqttUsers.users.get('scada'), 'one');
  await page.click('[aria-label="Change password of scada"]');
  await fields.nth(0).fill('three');
  await fields.nth(1).fill('three');
  await page.click('dialog button[type=submit]');
  await page.waitForSelector('text=The password of scada was changed.');
  assert.equal(plant.mqttUsers.users.get('scada'), 'three');
  await page.click('[aria-label="Delete scada"]');
  await page.click('dialog >> text=Delete scada');
  await page.waitForSelector('text=The MQTT user scada was deleted.');
  assert.equal(plant.mqttUsers.users.has('scada'), false);
});

test('the keyboard alone reaches the content, the pages and a dialog, and comes back out of it', { skip }, async (t) => {
  const { page, url } = await visit(t);
  await page.goto(`${url}/devices/press2`);
  await page.waitForSelector('[data-tag=temperature_setpoint] button');
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate('document.activeElement.textContent'), 'Skip to the content');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate('document.activeElement.closest("main") !== null'), true);
  await page.focus('nav >> text=Rules');
  await page.keyboard.press('Enter');
  await page.waitForSelector('#main h1:has-text("Rules")');
  await page.waitForSelector('#main h1:focus');
  await page.goBack();
  const write = page.locator('[data-tag=temperature_setpoint] button');
  await write.focus();
  await page.keyboard.press('Enter');
  await page.waitForSelector('dialog input:focus');
  await page.keyboard.press('Escape');
  await page.waitForSelector('dialog', { state: 'detached' });
  assert.equal(await write.evaluate((element) => element === element.ownerDocument.activeElement), true);
});

test('every page is free of serious faults for axe in both themes, of complaints of the browser, and fits a phone', { skip }, async (t) => {
  const { url } = await startConsoleFixture(t, { claimed: true });
  const { page, complaints } = await openBrowser(t);
  await addAxe(page);
  const found: string[] = [];
  const check = async (name: string) => {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      await page.waitForSelector(`html[data-theme=${colorScheme}]`);
      for (const violation of await seriousViolations(page)) found.push(`${name} ${colorScheme}: ${violation}`);
    }
    await page.setViewportSize({ width: 390, height: 844 });
    const wider = await overflow(page);
    if (wider > 0) found.push(`${name}: ${wider} px wider than a phone`);
    await page.setViewportSize({ width: 1440, height: 900 });
  };
  await page.goto(url);
  await page.waitForSelector('input[name=password]');
  await check('login');
  await logIn(page);
  for (const { path, title, ready } of PAGES) {
    await page.goto(`${url}${path}`);
    await page.waitForSelector(`#main h1:has-text("${title}")`);
    await page.waitForSelector(ready);
    await check(path);
  }
  await page.goto(`${url}/devices/press2`);
  await page.click('button[aria-label="Write cooling_pump"]');
  await check('dialog');
  assert.deepEqual(found, []);
  assert.deepEqual(faults(complaints), []);
});

test('on a phone the menu opens, leads to a page and closes', { skip }, async (t) => {
  const { page } = await visit(t, { width: 390, height: 844 });
  assert.equal(await page.locator('nav').isVisible(), false);
  await page.click('[aria-label="Open the menu"]');
  await page.click('nav >> text=Devices');
  await page.waitForSelector('#main h1:has-text("Devices")');
  await page.waitForSelector('nav', { state: 'hidden' });
});
