/** What is not normal, out of everything the overview says: worst first. */

import type { BridgeSummary, Notice, Overview, Part } from '../api/types.js';
import { partKind } from '../components/part-kind.js';
import type { StatusKind } from '../components/status-kind.js';
import { duration } from '../i18n/format.js';
import { t, tn } from '../i18n/translate.js';

export interface Concern {
  key: string;
  kind: StatusKind;
  subject: string;
  message: string;
  hint: string | null;
  code: string | null;
  /** Wall ms of the gateway; null: not known since when. */
  since: number | null;
  /** Page where more is to be seen. */
  page: 'devices' | 'uplink' | 'rules' | 'system' | null;
}

/** A clock that is further off than this makes time stamps that mislead. */
const CLOCK_TOLERANCE_MS = 10_000;
const ORDER: StatusKind[] = ['failure', 'spec', 'check', 'maintenance', 'off', 'good'];

export function concernsOf(overview: Overview, clockOffsetMs: number | null): Concern[] {
  const concerns = [
    ...overview.parts.flatMap(ofPart),
    ...overview.bridges.flatMap((bridge) => ofBridge(bridge, overview.parts)),
    ...ofField(overview),
    ...ofRules(overview),
    ...overview.notices.flatMap(ofNotice),
    ...ofClock(clockOffsetMs),
  ];
  return concerns.sort((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind));
}

function ofPart(part: Part): Concern[] {
  const kind = partKind(part.state, part.error !== null);
  if (kind === 'good' || (kind === 'off' && part.error === null)) return [];
  const { error } = part;
  const concern = {
    key: `part ${part.name}`,
    kind,
    subject: part.name,
    message: error?.message ?? t('attention.part', { state: t(`part.${part.state}`) }),
    hint: error?.hint ?? null,
    code: error?.code ?? null,
    since: part.since,
    page: pageOf(part.name),
  };
  return [concern];
}

function pageOf(part: string): Concern['page'] {
  const [kind] = part.split(' ', 1);
  if (kind === 'bridge' || kind === 'bridges') return 'uplink';
  if (kind === 'bus' || kind === 'modbus_server' || kind === 'device' || kind === 'field') return 'devices';
  return kind === 'rules' ? 'rules' : 'system';
}

function ofBridge(bridge: BridgeSummary, parts: Part[]): Concern[] {
  const { name, link, since, difference, lastError } = bridge;
  const concerns: Concern[] = [];
  const base = { subject: t('attention.bridge', { name }), code: null, page: 'uplink' as const };
  if (difference !== 0) {
    const message = t('attention.difference', { count: difference });
    concerns.push({ ...base, key: `ledger ${name}`, kind: 'failure', message, hint: t('attention.difference.hint'), since: null });
  }
  const told = parts.some((part) => part.name === `bridge ${name}` && (part.error !== null || part.state === 'degraded'));
  if (link === 'paused') {
    const message = t('attention.paused', { count: bridge.waiting });
    concerns.push({ ...base, key: `paused ${name}`, kind: 'check', message, hint: t('attention.paused.hint'), since });
  } else if (link === 'waiting' && !told) {
    const message = lastError ?? t('attention.noUplink');
    concerns.push({ ...base, key: `link ${name}`, kind: 'failure', message, hint: null, since });
  }
  return concerns;
}

function ofField({ field }: Overview): Concern[] {
  const { offline, degraded } = field.devices;
  const base = { subject: t('nav.devices'), hint: t('attention.devices.hint'), code: null, since: null, page: 'devices' as const };
  return [
    ...(offline > 0 ? [{ ...base, key: 'offline', kind: 'failure' as const, message: tn('attention.offline', offline) }] : []),
    ...(degraded > 0 ? [{ ...base, key: 'degraded', kind: 'spec' as const, message: tn('attention.degraded', degraded) }] : []),
  ];
}

function ofRules({ rules }: Overview): Concern[] {
  if (rules.error === 0) return [];
  const message = tn('attention.rules', rules.error);
  return [
    {
      key: 'rules',
      kind: 'failure',
      subject: t('nav.rules'),
      message,
      hint: t('attention.rules.hint'),
      code: null,
      since: null,
      page: 'rules',
    },
  ];
}

function ofNotice(notice: Notice, index: number): Concern[] {
  if (notice.level === 'info') return [];
  const kind = notice.level === 'error' ? 'failure' : 'maintenance';
  const { message, at, hint = null } = notice;
  return [{ key: `notice ${at} ${index}`, kind, subject: t('attention.notice'), message, hint, code: null, since: at, page: 'system' }];
}

function ofClock(offset: number | null): Concern[] {
  if (offset === null || Math.abs(offset) < CLOCK_TOLERANCE_MS) return [];
  const message = t(offset > 0 ? 'attention.clock.ahead' : 'attention.clock.behind', { span: duration(Math.abs(offset)) });
  return [
    {
      key: 'clock',
      kind: 'maintenance',
      subject: t('overview.clock'),
      message,
      hint: t('attention.clock.hint'),
      code: null,
      since: null,
      page: 'system',
    },
  ];
}
