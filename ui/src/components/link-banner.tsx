import { ApiError } from '../api/client.js';
import { clockTime, duration } from '../i18n/format.js';
import { t } from '../i18n/translate.js';
import { link, retryNow } from '../state/live.js';
import { useStore } from '../state/store.js';
import { useGatewayNow } from '../state/ticker.js';
import { StatusShape } from './icons.js';

/** Says at once that what is on the screen is not live any more, and when the next attempt is. */
export function LinkBanner() {
  const state = useStore(link);
  // Renders every second, for the countdown.
  useGatewayNow();
  if (state.state !== 'lost') return null;
  const { since, retryAt, error } = state;
  // 429 and the like are answers: the reason is worth more than "no connection".
  const reason = error instanceof ApiError && error.status !== 0 ? error : null;
  const wait = retryAt === null ? 0 : Math.max(0, retryAt - Date.now());
  return (
    <div class="link-banner" role="alert">
      <StatusShape kind="failure" />
      <div class="link-banner-text">
        <strong>{t('banner.lost', { time: clockTime(since) })}</strong>{' '}
        <span>{reason === null ? t('banner.lost.meaning') : [reason.message, reason.hint].filter(Boolean).join(' ')}</span>
      </div>
      {/* The countdown is not read out every second. */}
      <span class="link-banner-retry" aria-live="off">
        {retryAt === null || wait < 1000 ? t('banner.trying') : t('banner.retry', { span: duration(wait) })}
      </span>
      <button type="button" class="button small" onClick={retryNow}>
        {t('banner.now')}
      </button>
    </div>
  );
}
