import type { AccessConfig, AccessRuleConfig, ListenerConfig } from './schema.js';

export interface ConfigFault {
  path: (string | number)[];
  message: string;
  hint?: string;
}

/** Listeners that can't be open at the same time, or can't let anybody in. Paths start at the list. */
export function checkListeners(listeners: readonly ListenerConfig[]): ConfigFault[] {
  return listeners.flatMap((listener, index) => {
    const faults = checkClientCertificates(listener, index);
    const other = listeners.findIndex((earlier, at) => at < index && overlap(earlier, listener));
    if (other === -1) return faults;
    const message = `Port ${listener.port} is already taken by listener ${other + 1} (${listeners[other]?.type}).`;
    return [...faults, { path: [index, 'port'], message, hint: 'Give each listener a port of its own.' }];
  });
}

function checkClientCertificates(listener: ListenerConfig, index: number): ConfigFault[] {
  if (!('require_client_cert' in listener) || listener.client_ca !== undefined) return [];
  const hint = 'Add client_ca, the certificates of the authorities.';
  if (listener.require_client_cert) {
    const message = 'Client certificates are required, but nothing says who may sign them.';
    return [{ path: [index, 'require_client_cert'], message, hint }];
  }
  if (listener.certificate_user === undefined || listener.certificate_user === 'off') return [];
  const message = 'Client certificates stand for users, but nothing says who may sign them.';
  return [{ path: [index, 'certificate_user'], message, hint }];
}

function overlap(a: ListenerConfig, b: ListenerConfig): boolean {
  if (a.port === 0 || a.port !== b.port) return false;
  return a.host === b.host || isEverywhere(a.host) || isEverywhere(b.host);
}

function isEverywhere(host: string): boolean {
  return host === '::' || host === '0.0.0.0' || host === '*';
}

/** Access rules that say nothing, or two things at once, and tokens that could never be checked. Paths start at `access`. */
export function checkAccess({ rules, jwt }: AccessConfig): ConfigFault[] {
  const faults = rules.flatMap((rule, index) => [...checkVerdict(rule, index), ...checkTopics(rule, index)]);
  return [...faults.map((fault) => ({ ...fault, path: ['rules', ...fault.path] })), ...(jwt === undefined ? [] : checkJwt(jwt))];
}

/** A shared secret that is shorter can be guessed (RFC 7518, 3.2). */
const MIN_SECRET_BYTES = 32;

function checkJwt({ algorithms, jwks_file: file, secret }: NonNullable<AccessConfig['jwt']>): ConfigFault[] {
  const faults: ConfigFault[] = [];
  const path = ['jwt', 'algorithms'];
  const isShared = (algorithm: string): boolean => algorithm.startsWith('HS');
  if (algorithms.some(isShared) && secret === undefined) {
    faults.push({ path, message: 'HS256, HS384 and HS512 need a shared secret.', hint: 'Add secret: {secret: name}.' });
  }
  if (!algorithms.every(isShared) && file === undefined) {
    faults.push({ path, message: 'Nothing says which public keys sign the tokens.', hint: 'Add jwks_file.' });
  }
  if (secret !== undefined && Buffer.byteLength(secret) < MIN_SECRET_BYTES) {
    const hint = `Use ${MIN_SECRET_BYTES} characters at least, such as those of: openssl rand -base64 48.`;
    faults.push({ path: ['jwt', 'secret'], message: 'The shared secret is too short.', hint });
  }
  return faults;
}

function checkVerdict(rule: AccessRuleConfig, index: number): ConfigFault[] {
  if ((rule.allow === undefined) !== (rule.deny === undefined)) return [];
  const message = rule.allow === undefined ? 'This rule neither allows nor denies.' : 'This rule both allows and denies.';
  return [{ path: [index], message, hint: 'Give it either allow or deny: [publish], [subscribe] or both.' }];
}

function checkTopics(rule: AccessRuleConfig, index: number): ConfigFault[] {
  return rule.topics.flatMap((filter, at) => {
    const levels = filter.split('/');
    const wrong = levels.some(
      (level, depth) => (level.includes('#') && (level !== '#' || depth < levels.length - 1)) || (level.includes('+') && level !== '+'),
    );
    if (!wrong) return [];
    const hint = 'A wildcard + fills a whole level; # fills the last one.';
    return [{ path: [index, 'topics', at], message: `${JSON.stringify(filter)} is not a topic filter.`, hint }];
  });
}
