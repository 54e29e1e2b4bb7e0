import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { FerruleError } from '../errors.js';
import { tlsFileFault } from './faults.js';
import type { BridgeConfig } from './schema.js';

export interface Endpoint {
  /** As configured, for people. */
  url: string;
  host: string;
  port: number;
  tls: boolean;
}

/** Throws FER_BRIDGE_CONFIG where the URL cannot be used. */
export function parseEndpoint(url: string): Endpoint {
  const fail = (cause: string): FerruleError =>
    new FerruleError('FER_BRIDGE_CONFIG', `${JSON.stringify(url)} ${cause}.`, { hint: 'Write mqtt://host:1883 or mqtts://host:8883.' });
  if (!URL.canParse(url)) throw fail('is not a URL');
  const parsed = new URL(url);
  if (parsed.protocol !== 'mqtt:' && parsed.protocol !== 'mqtts:') throw fail('is neither mqtt:// nor mqtts://');
  if (parsed.hostname === '') throw fail('names no host');
  if (parsed.username !== '' || parsed.password !== '') throw fail('contains credentials, which belong into username and password');
  if ((parsed.pathname !== '' && parsed.pathname !== '/') || parsed.search !== '' || parsed.hash !== '')
    throw fail('has something after the port');
  const tls = parsed.protocol === 'mqtts:';
  return {
    url,
    host: parsed.hostname.replace(/^\[|\]$/g, ''),
    port: parsed.port === '' ? (tls ? 8883 : 1883) : Number(parsed.port),
    tls,
  };
}

/**
 * The options for tls.connect, files read anew each time, so that a renewed certificate is taken at the next attempt.
 * Rejects with FER_BRIDGE_TLS_FILE.
 */
export async function tlsOptions(config: BridgeConfig['tls'], endpoint: Endpoint): Promise<ConnectionOptions> {
  const read = async (key: 'ca' | 'cert' | 'key'): Promise<Record<string, string>> => {
    const value = config?.[key];
    if (value === undefined) return {};
    try {
      return { [key]: await readFile(value, 'utf8') };
    } catch (error) {
      throw tlsFileFault(key, value, error);
    }
  };
  const [ca, cert, key] = await Promise.all([read('ca'), read('cert'), read('key')]);
  const serverName = config?.server_name ?? (isIP(endpoint.host) === 0 ? endpoint.host : undefined);
  return {
    ...ca,
    ...cert,
    ...key,
    rejectUnauthorized: config?.verify ?? true,
    ...(serverName === undefined ? {} : { servername: serverName }),
    ...(config?.alpn === undefined ? {} : { ALPNProtocols: config.alpn }),
  };
}
