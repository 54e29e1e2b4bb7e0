/** How a client reaches a broker. */
export type Transport = 'tcp' | 'tls' | 'ws' | 'wss';

export function isSecure(transport: Transport): boolean {
  return transport === 'tls' || transport === 'wss';
}

export function isWebSocket(transport: Transport): boolean {
  return transport === 'ws' || transport === 'wss';
}
