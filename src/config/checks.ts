import { checkBridges } from '../bridge/check-config.js';
import { checkAccess, checkListeners } from '../broker/check-config.js';
import { checkField, doubtsOfField, doubtsOfNotation } from '../field/check-config.js';
import { checkPorts } from './check-ports.js';
import { isObject } from './json-schema.js';
import type { Config } from './schema.js';
import type { Finding } from './source.js';

/** What the schema can't say: values that are each valid but not together. Called with a valid configuration. */
export function semanticFindings(config: Config): Finding[] {
  return [
    ...checkTimeZone(config),
    ...under(['field'], checkField(config.field)),
    ...under(['bridges'], checkBridges(config.bridges, config.gateway.id)),
    ...under(['broker', 'listeners'], checkListeners(config.broker.listeners)),
    ...checkPorts(config),
    ...under(['access'], checkAccess(config.access)),
  ].map((finding) => ({ code: 'FER_CONFIG_CONFLICT' as const, ...finding }));
}

/** What is allowed and may still be a slip. `written`: the configuration as it was written, with its lists of tags. */
export function writtenWarnings(written: unknown): Finding[] {
  const field = isObject(written) ? written.field : undefined;
  const devices = isObject(field) && Array.isArray(field.devices) ? (field.devices as unknown[]) : [];
  return doubts(doubtsOfNotation(devices));
}

/** The same of what it comes to. */
export function semanticWarnings(config: Config): Finding[] {
  return doubts(doubtsOfField(config.field));
}

function doubts(findings: Finding[]): Finding[] {
  return under(['field'], findings).map((finding) => ({ code: 'FER_CONFIG_DOUBT' as const, ...finding }));
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
