import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';
import { dateTime, duration, fullTime, shortTime } from '../i18n/format.js';
import { t } from '../i18n/translate.js';
import { navigate } from '../router.js';
import { useGatewayNow } from '../state/ticker.js';
import { Icon } from './icons.js';

/** A link inside the console; other clicks than the plain one stay with the browser. */
export function Link(props: { href: string; class?: string; current?: boolean; children: ComponentChildren; onFollow?: () => void }) {
  const follow = (event: MouseEvent) => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    navigate(props.href);
    props.onFollow?.();
  };
  return (
    <a href={props.href} class={props.class ?? 'link'} aria-current={props.current === true ? 'page' : undefined} onClick={follow}>
      {props.children}
    </a>
  );
}

interface PanelProps {
  title: string;
  /** Page with more of the same. */
  href?: string;
  actions?: ComponentChildren;
  class?: string;
  children: ComponentChildren;
}

export function Panel({ title, href, actions, class: extra = '', children }: PanelProps) {
  const id = useId();
  return (
    <section class={`panel ${extra}`} aria-labelledby={id}>
      <header class="panel-head">
        <h2 id={id}>
          {href === undefined ? (
            title
          ) : (
            <Link href={href} class="panel-link">
              {title}
              <Icon name="right" />
            </Link>
          )}
        </h2>
        {actions !== undefined && <div class="panel-actions">{actions}</div>}
      </header>
      {children}
    </section>
  );
}

/** Something that is not there, and what to do next. */
export function Empty({ title, hint, children }: { title: string; hint?: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {hint !== undefined && <p>{hint}</p>}
      {children}
    </div>
  );
}

export function Loading() {
  return (
    <p class="loading" role="status">
      {t('state.loading')}
    </p>
  );
}

/** How long ago, renewed every second; the full time in its title. */
export function Ago({ at }: { at: number }) {
  const now = useGatewayNow();
  return (
    <time dateTime={new Date(at).toISOString()} title={fullTime(at)}>
      {now - at < 1000 ? t('time.now') : t('time.ago', { span: duration(now - at) })}
    </time>
  );
}

/** How old a value is: just the span. */
export function Age({ at: given }: { at: number | null | (() => number | null) }) {
  const now = useGatewayNow();
  const at = typeof given === 'function' ? given() : given;
  if (at === null) return <>{t('value.none')}</>;
  return (
    <time dateTime={new Date(at).toISOString()} title={fullTime(at)}>
      {now - at < 1000 ? t('time.now') : duration(now - at)}
    </time>
  );
}

/** Since when a state holds: the time, and for how long. */
export function Since({ at, bare = false }: { at: number /** Without the word. */; bare?: boolean }) {
  const now = useGatewayNow();
  return (
    <time dateTime={new Date(at).toISOString()} title={fullTime(at)}>
      {t(bare ? 'time.span' : 'time.since', { time: shortTime(at, now), span: duration(now - at) })}
    </time>
  );
}

export function When({ at }: { at: number }) {
  return (
    <time dateTime={new Date(at).toISOString()} title={fullTime(at)}>
      {dateTime(at)}
    </time>
  );
}

/** Names and values, one a line; numbers right-aligned. */
export function Facts({ children }: { children: ComponentChildren }) {
  return <dl class="facts">{children}</dl>;
}

export function Fact({ name, children }: { name: ComponentChildren; children: ComponentChildren }) {
  return (
    <div class="fact">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

export function PageHead({ title, children }: { title: ComponentChildren; children?: ComponentChildren }) {
  return (
    <div class="page-head">
      <h1 tabIndex={-1}>{title}</h1>
      {children}
    </div>
  );
}

interface TableBoxProps {
  label: string;
  /** On a phone each row becomes a card; its cells need `data-label`. */
  cards?: boolean;
  children: ComponentChildren;
}

/** A table that may be wider than its place: then it is scrolled, with the keyboard too, not the page. */
export function TableBox({ label, cards = false, children }: TableBoxProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable with the keyboard
    <section class={cards ? 'table-box cards' : 'table-box'} tabIndex={0} aria-label={label}>
      <table>{children}</table>
    </section>
  );
}
