import type { BridgeStatus, DeviceStatus, Part, Quality, RuleStatus } from '../api/types.js';
import { t, tWord } from '../i18n/translate.js';
import { link } from '../state/live.js';
import { useStore } from '../state/store.js';
import { StatusShape } from './icons.js';
import { partKind } from './part-kind.js';
import type { StatusKind } from './status-kind.js';

/** Shape and word of a state; what is normal stays grey. */
export function Status({ kind, word, title }: { kind: StatusKind; word: string; title?: string }) {
  return (
    <span class={`status status-${kind}`} {...(title === undefined ? {} : { title })}>
      <StatusShape kind={kind} />
      <span>{word}</span>
    </span>
  );
}

export function PartState({ state, failing = false }: { state: Part['state']; failing?: boolean }) {
  return <Status kind={partKind(state, failing)} word={t(`part.${state}`)} />;
}

const DEVICE_KINDS: Record<DeviceStatus['state'], StatusKind> = { online: 'good', degraded: 'spec', offline: 'failure', unknown: 'off' };

export function DeviceState({ state }: { state: DeviceStatus['state'] }) {
  return <Status kind={DEVICE_KINDS[state]} word={t(`device.${state}`)} />;
}

const LINK_KINDS: Record<BridgeStatus['link'], StatusKind> = {
  connected: 'good',
  connecting: 'check',
  waiting: 'failure',
  paused: 'check',
  stopped: 'off',
};

export function LinkState({ link: state }: { link: BridgeStatus['link'] }) {
  return <Status kind={LINK_KINDS[state]} word={t(`link.${state}`)} />;
}

export function RuleState({ state }: { state: RuleStatus['state'] }) {
  return <Status kind={state === 'running' ? 'good' : 'failure'} word={t(`rule.${state}`)} />;
}

const QUALITY_KINDS: Record<Quality, StatusKind> = { good: 'good', stale: 'spec', uncertain: 'spec', bad: 'failure' };

/** The reason of a quality in words: `exception:2` is an answer of the device. */
export function reasonText(reason: string): string {
  const [word = reason, detail] = reason.split(':');
  if (word === 'exception' && detail !== undefined) {
    return t('reason.exception', { code: detail, meaning: tWord('exception', detail) });
  }
  return tWord('reason', reason);
}

/** Without a connection nobody knows whether a value is still good. */
export function QualityState({ quality, reason }: { quality: Quality; reason: string | null }) {
  const isLive = useStore(link).state === 'live';
  if (!isLive && quality === 'good') return <Status kind="off" word={t('quality.notLive')} />;
  return (
    <span class="quality">
      <Status kind={QUALITY_KINDS[quality]} word={t(`quality.${quality}`)} {...(reason === null ? {} : { title: reason })} />
      {reason !== null && <span class="quality-reason">{reasonText(reason)}</span>}
    </span>
  );
}
