import { LoadSocket } from '../load/socket.js';
import { placeOf, scanOf } from './values.js';

/** Reads every value that is published, and looks whether it is what the device holds. */
export class FieldSubscriber extends LoadSocket {
  /** Good values; of them wrong ones. */
  values = 0;
  wrong = 0;
  /** Those that said that they are not good. */
  notGood = 0;
  /** Tags of which a good value has come. */
  readonly seen = new Set<string>();

  constructor(port: number) {
    super({ port, clientId: 'bench-field' });
  }

  async start(): Promise<void> {
    await this.connect();
    await this.subscribe('field/+/+', 0);
  }

  protected override frame(header: number, bytes: Buffer, start: number, end: number): void {
    if (header >>> 4 !== 3) return;
    const topicEnd = start + 2 + bytes.readUInt16BE(start);
    const topic = bytes.toString('latin1', start + 2, topicEnd);
    const place = placeOf(topic);
    if (place === null) return;
    const { v, q } = JSON.parse(bytes.toString('utf8', topicEnd, end)) as { v: unknown; q: unknown };
    if (q !== 'good') {
      this.notGood++;
      return;
    }
    this.values++;
    this.seen.add(topic);
    if (typeof v !== 'number' || scanOf(place.device, place.address, v) === null) this.wrong++;
  }
}
