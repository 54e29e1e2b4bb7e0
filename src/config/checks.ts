import { checkAccess, checkListeners } from '../broker/check-config.js';
import type { Config } from './schema.js';
import type { Finding } from './source.js';

/** What the schema can't say: values that are each valid but not together. Called with a valid configuration. */
export function semanticFindings(config: Config): Finding[] {
  return [
    ...checkTimeZone(config),
    ...under(['broker', 'listeners'], checkListeners(config.broker.listeners)),
    ...under(['access', 'rules'], checkAccess(config.access.rules)),
  ].map((finding) => ({ code: 'FER_CONFIG_CONFLICT' as const, ...finding }));
}

function checkTimeZone({ gateway }: Config): Finding[] {
  try {
    new Intl.DateTimeFormat('en', { timeZone: gateway.time_zone });
    return [];
  } catch {
    const hint = 'Use a name of the tz database, such as Europe/Paris or UTC.';
    return [{ path: ['gateway', 'time_zone'], message: `${JSON.stringify(gateway.time_zone)} is not a time zone.`, hint }];
  }
}

function under(prefix: string[], findings: Finding[]): Finding[] {
  return findings.map((finding) => ({ ...finding, path: [...prefix, ...finding.path] }));
}
