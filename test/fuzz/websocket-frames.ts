import type { Random } from '../mqtt/random.js';
import { HOSTILE_TEXTS } from './corpus.js';

const CONTINUATION = 0;
const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PING = 9;

interface Frame {
  opcode: number;
  payload: Buffer;
  fin?: boolean;
  rsv?: number;
  masked?: boolean;
  /** The length that is claimed; missing: the true one. */
  length?: bigint;
}

function bytesOfFrame({ opcode, payload, fin = true, rsv = 0, masked = true, length }: Frame): Buffer {
  const claimed = length ?? BigInt(payload.length);
  const first = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  const mask = masked ? 0x80 : 0;
  let head: Buffer;
  if (claimed < 126n) {
    head = Buffer.from([first, mask | Number(claimed)]);
  } else if (claimed < 0x1_0000n) {
    head = Buffer.from([first, mask | 126, 0, 0]);
    head.writeUInt16BE(Number(claimed), 2);
  } else {
    head = Buffer.alloc(10);
    head[0] = first;
    head[1] = mask | 127;
    head.writeBigUInt64BE(claimed, 2);
  }
  // The key 0 leaves the bytes as they are.
  return Buffer.concat([head, ...(masked ? [Buffer.alloc(4)] : []), payload]);
}

/** The chunks as WebSocket frames; `faults`: one frame in so many breaks a rule of RFC 6455. 0: none does. */
export function framesOf(random: Random, chunks: readonly Buffer[], faults: number): Buffer[] {
  return chunks.flatMap((payload) => {
    if (faults > 0 && random.below(faults) === 0) return [badFrame(random, payload)];
    if (random.below(4) > 0) return [bytesOfFrame({ opcode: BINARY, payload })];
    // In fragments, with a ping between them.
    const cut = random.below(payload.length + 1);
    return [
      bytesOfFrame({ opcode: BINARY, payload: payload.subarray(0, cut), fin: false }),
      bytesOfFrame({ opcode: PING, payload: Buffer.from('?') }),
      bytesOfFrame({ opcode: CONTINUATION, payload: payload.subarray(cut) }),
    ];
  });
}

function badFrame(random: Random, payload: Buffer): Buffer {
  switch (random.below(11)) {
    case 0:
      return bytesOfFrame({ opcode: TEXT, payload });
    case 1:
      return bytesOfFrame({ opcode: BINARY, payload, masked: false });
    case 2:
      return bytesOfFrame({ opcode: BINARY, payload, rsv: 1 + random.below(7) });
    case 3:
      return bytesOfFrame({ opcode: CONTINUATION, payload });
    case 4:
      return bytesOfFrame({ opcode: 3 + random.below(13), payload });
    case 5:
      return bytesOfFrame({ opcode: PING, payload: Buffer.alloc(126 + random.below(1000)) });
    case 6:
      return bytesOfFrame({ opcode: CLOSE, payload: random.pick([Buffer.alloc(1), Buffer.from([0, 0]), Buffer.from([0x03, 0xed, 0xff])]) });
    case 7:
      return bytesOfFrame({
        opcode: BINARY,
        payload,
        length: random.pick([0xffff_ffff_ffff_ffffn, 1n << 53n, 0x7fff_ffffn, 1n << 21n, 126n, 0n]),
      });
    case 8:
      return bytesOfFrame({ opcode: PING, payload, fin: false });
    case 9:
      return bytesOfFrame({ opcode: TEXT, payload: random.pick(HOSTILE_TEXTS), fin: false });
    default:
      return payload;
  }
}

const HANDSHAKE = [
  'GET /mqtt HTTP/1.1',
  'Host: gateway',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Protocol: mqtt',
];

/** Lines that a handshake may have instead of, or beside, its own. */
const ODD_LINES = [
  'GET // HTTP/1.1',
  'GET http:// HTTP/1.1',
  'GET http://[ HTTP/1.1',
  'GET * HTTP/1.1',
  'GET /%zz HTTP/1.1',
  'GET /mqtt?%00 HTTP/1.0',
  'GET /mqtt HTTP/9.9',
  'GET /mqtt',
  'POST /mqtt HTTP/1.1',
  'CONNECT a:1 HTTP/1.1',
  'OPTIONS * HTTP/1.1',
  'PRI * HTTP/2.0',
  'Upgrade: h2c',
  'Upgrade: websocket, websocket',
  'Upgrade:',
  'Connection: keep-alive',
  'Connection: close, Upgrade',
  'Content-Length: 10',
  'Content-Length: -1',
  'Content-Length: 99999999999999999999',
  'Transfer-Encoding: chunked',
  'Expect: 100-continue',
  'Sec-WebSocket-Key: short',
  'Sec-WebSocket-Version: 99',
  'Sec-WebSocket-Version: 8',
  'Sec-WebSocket-Protocol: ',
  'Sec-WebSocket-Protocol: mqtt, mqtt',
  'Sec-WebSocket-Protocol: ,',
  'Sec-WebSocket-Protocol: chat, mqttv3.1',
  'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=99',
  'Sec-WebSocket-Extensions: ;;;',
  'Host: \u0000',
  ': nameless',
  'folded\r\n line: x',
  `X-Long: ${'x'.repeat(20_000)}`,
];

/** An HTTP request to upgrade; `faults`: how many things are wrong with it. */
export function handshake(random: Random, faults: number): Buffer {
  const lines = [...HANDSHAKE];
  for (let left = faults; left > 0; left--) {
    const at = random.below(lines.length + 1);
    switch (random.below(4)) {
      case 0:
        lines.splice(at, 1);
        break;
      case 1:
        lines.splice(at, 0, random.pick(ODD_LINES));
        break;
      case 2:
        lines[0] = random.pick(ODD_LINES);
        break;
      default:
        lines[at] = random.pick(ODD_LINES);
    }
  }
  const bytes = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  if (faults > 1 && random.below(3) === 0) {
    const at = random.below(bytes.length);
    bytes[at] = random.below(256);
    if (random.below(3) === 0) return bytes.subarray(0, at);
  }
  return bytes;
}
