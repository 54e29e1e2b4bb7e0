import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Field } from '../../../src/field/field.js';
import type { Receipt } from '../../../src/field/ports.js';
import { silentLogger } from '../../../src/log.js';
import type { Message } from '../../../src/mqtt/message.js';
import { PymodbusServer } from '../../peers/modbus.js';
import { needs } from '../../support/needs.js';
import { waitFor } from '../../support/wait-for.js';
import { fieldConfig, Messages } from '../support.js';
import { FORMATS, lateSubscriber, SettableClock } from './support.js';

/** A broker whose store takes nothing while its disk is full. */
class FullDisk extends Messages {
  isFull = false;
  refused = 0;

  override publish(message: Message, receipt?: Receipt): void {
    if (!this.isFull) {
      super.publish(message, receipt);
      return;
    }
    this.refused++;
    queueMicrotask(() => receipt?.settled(new Error('the disk is full')));
  }
}

for (const payload of FORMATS) {
  test(`payload ${payload}: a device that dies while the disk is full is bad and offline as soon as there is room`, {
    skip: needs('python3-pymodbus'),
  }, async (t) => {
    const server = await PymodbusServer.start(t, 0);
    const messages = new FullDisk();
    const config = await fieldConfig({
      payload,
      buses: [{ name: 'b', type: 'modbus_tcp', host: '127.0.0.1', port: server.port, timeout: '300ms' }],
      devices: [{ name: 'd', bus: 'b', scan: { fast: '100ms' }, tags: [{ name: 'x', area: 'holding', address: 0 }] }],
    });
    const field = new Field({ config, messaging: messages, clock: new SettableClock(), log: silentLogger });
    t.after(() => field.stop());
    await field.start();
    const seen = () => lateSubscriber(messages, payload, 'd', 'x', 'fast');
    await waitFor(() => seen()?.q === 'good' && messages.last('field/d/$state')?.state === 'online');
    messages.isFull = true;
    await server.process.kill();
    await waitFor(() => field.device('d')?.state === 'offline' && messages.refused >= 2);
    assert.equal(seen()?.q, 'good', 'nothing could be said');
    messages.isFull = false;
    await waitFor(() => seen()?.q !== 'good' && messages.last('field/d/$state')?.state === 'offline');
    assert.equal(seen()?.q, payload === 'value' ? undefined : 'bad');
  });
}
