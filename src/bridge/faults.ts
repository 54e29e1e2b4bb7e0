/** What can go wrong with a link, in words and with what to do about it. */
import { type ErrorCode, FerruleError, messageOf } from '../errors.js';
import { reasonName } from '../mqtt/reason-codes.js';

function fault(code: ErrorCode, message: string, hint: string, cause?: unknown): FerruleError {
  return new FerruleError(code, message, cause === undefined ? { hint } : { hint, cause });
}

/** An error of a socket or of the TLS handshake. `url` is for people. */
export function socketFault(error: unknown, url: string, connected: boolean): FerruleError {
  const code = codeOf(error);
  const text = messageOf(error);
  const tls = tlsFault(code, text, url, error);
  if (tls !== null) return tls;
  switch (code) {
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EAI_FAIL':
      return fault(
        'FER_BRIDGE_DNS',
        `The name in ${url} could not be resolved.`,
        'Check the spelling and the DNS server of this gateway.',
        error,
      );
    case 'ECONNREFUSED':
      return fault('FER_BRIDGE_REFUSED', `Nothing listens at ${url}.`, 'Check host and port, and that the broker runs there.', error);
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EADDRNOTAVAIL':
    case 'ENETDOWN':
      return fault(
        'FER_BRIDGE_UNREACHABLE',
        `There is no way to ${url}.`,
        'Check the network cable, the modem and the default route.',
        error,
      );
    case 'ETIMEDOUT':
      if (connected) break;
      return fault('FER_BRIDGE_TIMEOUT', `${url} does not answer.`, 'Check the address, and whether a firewall drops the port.', error);
    default:
  }
  if (connected) return linkLost(url, text, error);
  return fault(
    'FER_BRIDGE_UPSTREAM',
    `${url} ended the connection while it was being set up: ${text}.`,
    'Check that this is an MQTT port, and whether it wants TLS (mqtts://) or a client certificate.',
    error,
  );
}

function tlsFault(code: string, text: string, url: string, error: unknown): FerruleError | null {
  const tls = (message: string, hint: string): FerruleError => fault('FER_BRIDGE_TLS', message, hint, error);
  switch (code) {
    case 'CERT_HAS_EXPIRED':
      return tls(`The certificate of ${url} has expired.`, 'Renew it at the upstream, and check the clock of this gateway.');
    case 'CERT_NOT_YET_VALID':
      return tls(`The certificate of ${url} is not valid yet.`, 'The clock of this gateway is probably behind: check its time server.');
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return tls(
        `The certificate of ${url} is for another name: ${text}.`,
        'Use the name that stands in it in the URL, or set tls.server_name.',
      );
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'CERT_SIGNATURE_FAILURE':
    case 'CERT_UNTRUSTED':
      return tls(
        `The certificate of ${url} was not signed by an authority that is trusted here.`,
        'Set tls.ca to the certificate of its authority.',
      );
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
      return tls(`${url} does not speak TLS.`, 'Check the port, or use mqtt:// if the link is meant to be plain.');
    case 'ERR_SSL_KEY_VALUES_MISMATCH':
    case 'ERR_OSSL_X509_KEY_VALUES_MISMATCH':
      return tls('The client certificate and its key do not belong together.', 'Check tls.cert and tls.key.');
    default:
  }
  if (
    /CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE|ALERT_BAD_CERTIFICATE|ALERT_UNKNOWN_CA|CERTIFICATE_(EXPIRED|UNKNOWN)|ALERT_ACCESS_DENIED/.test(
      code,
    )
  ) {
    return tls(
      `${url} refused the TLS handshake: ${text}.`,
      'It probably wants a client certificate that it knows: check tls.cert and tls.key.',
    );
  }
  if (/^ERR_(SSL|OSSL|TLS|CRYPTO)|^CERT_/.test(code))
    return tls(`The TLS handshake with ${url} failed: ${text}.`, 'Check the tls settings of the bridge.');
  return null;
}

/** CONNACK with a code other than 0. */
export function connackFault(code: number, version: 4 | 5, reason: string | undefined, url: string): FerruleError {
  const why = reason === undefined ? '' : ` (${reason})`;
  switch (version === 5 ? code : (v4Reasons[code] ?? 0x80)) {
    case 0x84:
      return versionFault(version, url);
    case 0x85:
      return fault('FER_BRIDGE_CLIENT_ID', `${url} does not accept the client id${why}.`, 'Set client_id to one that is registered there.');
    case 0x86:
    case 0x8c:
      return fault(
        'FER_BRIDGE_CREDENTIALS',
        `${url} does not accept the user name or password${why}.`,
        'Check username and password of the bridge.',
      );
    case 0x87:
    case 0x8a:
      return fault(
        'FER_BRIDGE_NOT_AUTHORIZED',
        `${url} does not allow this client to connect${why}.`,
        'Check username, password and client_id, and what the upstream allows them.',
      );
    case 0x88:
    case 0x89:
    case 0x9f:
      return fault(
        'FER_BRIDGE_UPSTREAM',
        `${url} is not available at present: ${connackName(code, version)}${why}.`,
        'It is tried again by itself.',
      );
    default:
      return fault(
        'FER_BRIDGE_UPSTREAM',
        `${url} refused the connection: ${connackName(code, version)}${why}.`,
        'Look into the log of the upstream.',
      );
  }
}

/** The return codes of 3.1.1 as v5 reason codes. */
const v4Reasons: Record<number, number> = { 1: 0x84, 2: 0x85, 3: 0x88, 4: 0x86, 5: 0x87 };

function connackName(code: number, version: 4 | 5): string {
  return reasonName(version === 5 ? code : (v4Reasons[code] ?? code));
}

export function versionFault(version: 4 | 5, url: string): FerruleError {
  return version === 5
    ? fault('FER_BRIDGE_VERSION', `${url} does not speak MQTT 5.0.`, 'Set version: 4 for this bridge.')
    : fault(
        'FER_BRIDGE_VERSION',
        `${url} does not speak MQTT 3.1.1.`,
        'Set version: 5 for this bridge, or check that this is an MQTT port.',
      );
}

/** DISCONNECT from the upstream (v5). */
export function disconnectFault(code: number, reason: string | undefined, url: string): FerruleError {
  const why = reason === undefined ? '' : ` (${reason})`;
  if (code === 0x8e) {
    return fault(
      'FER_BRIDGE_TAKEN_OVER',
      `Another client connected to ${url} with the client id of this bridge.`,
      'Give each gateway and bridge a client_id of its own.',
    );
  }
  return fault(
    'FER_BRIDGE_UPSTREAM',
    `${url} ended the link: ${reasonName(code)}${why}.`,
    'It is tried again by itself; the log of the upstream may say more.',
  );
}

export function linkLost(url: string, cause?: string, error?: unknown): FerruleError {
  return fault(
    'FER_BRIDGE_LINK_LOST',
    `The link to ${url} broke${cause === undefined ? '' : `: ${cause}`}.`,
    'It is tried again by itself.',
    error,
  );
}

export function closedDuringHandshake(version: 4 | 5, url: string): FerruleError {
  return fault(
    'FER_BRIDGE_UPSTREAM',
    `${url} closed the connection without an answer to CONNECT.`,
    version === 5
      ? 'Check that this is an MQTT port; a broker that only knows 3.1.1 needs version: 4, and some close this way on a wrong client id or password.'
      : 'Check that this is an MQTT port; some brokers close this way on a wrong client id or password.',
  );
}

export function handshakeTimeout(url: string, ms: number): FerruleError {
  return fault(
    'FER_BRIDGE_TIMEOUT',
    `${url} did not answer within ${ms / 1000} s.`,
    'Check the address, and whether a firewall drops the port.',
  );
}

export function silentUpstream(url: string, ms: number): FerruleError {
  return fault(
    'FER_BRIDGE_KEEP_ALIVE',
    `${url} has been silent for ${Math.round(ms / 100) / 10} s although it was asked for a sign of life.`,
    'The link is renewed.',
  );
}

export function ackTimeout(url: string, ms: number): FerruleError {
  return fault(
    'FER_BRIDGE_ACK_TIMEOUT',
    `${url} has not acknowledged a message for ${Math.round(ms / 1000)} s.`,
    'The link is renewed and the message sent again.',
  );
}

export function protocolFault(url: string, error: unknown): FerruleError {
  return fault(
    'FER_BRIDGE_PROTOCOL',
    `${url} sent something that is not allowed: ${messageOf(error)}.`,
    'Check that this is an MQTT port and that version is right.',
    error,
  );
}

export function subscribeRefused(filter: string, code: number, version: 4 | 5, url: string): FerruleError {
  const name = version === 5 ? reasonName(code) : 'refused';
  return fault(
    'FER_BRIDGE_SUBSCRIBE',
    `${url} refused the subscription to ${JSON.stringify(filter)}: ${name}.`,
    'Check what the upstream allows this client to read.',
  );
}

export function upstreamHolds(url: string, code: number): FerruleError {
  return fault(
    'FER_BRIDGE_HOLD',
    `${url} cannot take messages at present: ${reasonName(code)}.`,
    'They are kept and tried again; make room at the upstream.',
  );
}

export function qosZeroOnly(url: string): FerruleError {
  return fault(
    'FER_BRIDGE_UPSTREAM',
    `${url} takes QoS 0 only and so cannot acknowledge anything.`,
    'Allow QoS 1 at the upstream; the messages wait until then.',
  );
}

export function localRefused(topic: string, error: unknown): FerruleError {
  return fault(
    'FER_BRIDGE_LOCAL',
    `A message from the upstream for ${JSON.stringify(topic)} could not be made safe here: ${messageOf(error)}.`,
    'It stays unacknowledged and is tried again.',
    error,
  );
}

export function localBacklog(url: string): FerruleError {
  return fault(
    'FER_BRIDGE_LOCAL',
    `More comes from ${url} than can be made safe here.`,
    'The link is renewed; what was not acknowledged comes again.',
  );
}

export function spoolFault(name: string, error: unknown): FerruleError {
  return fault(
    'FER_BRIDGE_SPOOL',
    `The spool of bridge ${name} could not be opened: ${messageOf(error)}.`,
    'It is tried again; see the state of the store.',
    error,
  );
}

export function tlsFileFault(key: string, file: string, error: unknown): FerruleError {
  return fault(
    'FER_BRIDGE_TLS_FILE',
    `tls.${key}: ${file} cannot be read: ${messageOf(error)}.`,
    'Check the path and who may read the file.',
    error,
  );
}

/** The code of a system error; of the attempts on several addresses, the first one's. */
function codeOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0]);
  if (typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string') return error.code;
  return '';
}
