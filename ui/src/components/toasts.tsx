import { t } from '../i18n/translate.js';
import { useStore } from '../state/store.js';
import { dismiss, toasts } from '../state/toasts.js';
import { Icon, StatusShape } from './icons.js';

export function Toasts() {
  const shown = useStore(toasts);
  return (
    <div class="toasts" role="status" aria-live="polite">
      {shown.map((toast) => (
        <div class="toast" key={toast.id}>
          <StatusShape kind="good" />
          <span>{toast.text}</span>
          <button type="button" class="icon-button" aria-label={t('action.close')} onClick={() => dismiss(toast.id)}>
            <Icon name="close" />
          </button>
        </div>
      ))}
    </div>
  );
}
