import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import logo from '../assets/ferrule.svg';
import { t } from '../i18n/translate.js';

/** The frame of the pages before a login: claim, log in, no connection. */
export function Entry({ title, lead, children }: { title: string; lead?: string; children?: ComponentChildren }) {
  useEffect(() => {
    document.title = `${title} · ${t('product')}`;
  }, [title]);
  return (
    <main class="entry">
      <div class="entry-card">
        <div class="brand">
          <img src={logo} alt="" width="36" height="36" />
          <span>{t('product')}</span>
        </div>
        <h1>{title}</h1>
        {lead !== undefined && <p class="lead">{lead}</p>}
        {children}
      </div>
    </main>
  );
}
