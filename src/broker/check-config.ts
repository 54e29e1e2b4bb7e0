import type { AccessRuleConfig, ListenerConfig } from './schema.js';

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
  if (!('require_client_cert' in listener) || !listener.require_client_cert || listener.client_ca !== undefined) return [];
  const message = 'Client certificates are required, but nothing says who may sign them.';
  return [{ path: [index, 'require_client_cert'], message, hint: 'Add client_ca, the certificates of the authorities.' }];
}

function overlap(a: ListenerConfig, b: ListenerConfig): boolean {
  if (a.port === 0 || a.port !== b.port) return false;
  return a.host === b.host || isEverywhere(a.host) || isEverywhere(b.host);
}

function isEverywhere(host: string): boolean {
  return host === '::' || host === '0.0.0.0' || host === '*';
}

/** Access rules that say nothing, or two things at once. Paths start at the list. */
export function checkAccess(rules: readonly AccessRuleConfig[]): ConfigFault[] {
  return rules.flatMap((rule, index) => [...checkVerdict(rule, index), ...checkTopics(rule, index)]);
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
