import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { clockTime, count } from '../i18n/format.js';
import { t, tn } from '../i18n/translate.js';
import type { TraceRow } from '../state/trace-log.js';
import type { Followed } from '../state/use-followed.js';
import { Panel } from './basics.js';
import { Button, ErrorNote } from './forms.js';

interface FollowedPanelProps<T> {
  title: string;
  followed: Followed<T>;
  /** Whose messages say what is waited for and what was left out. */
  words: 'trace' | 'busFrames';
  /** Beside the buttons, before them. */
  tools?: ComponentChildren;
  /** Of the list. */
  class?: string;
  /** Of a row. */
  rowClass(item: T): string;
  row(item: T): ComponentChildren;
  /** Above the rows. */
  children?: ComponentChildren;
}

/** What goes on, row by row: begun and stopped, held still, copied. */
export function FollowedPanel<T>(props: FollowedPanelProps<T>) {
  const { title, followed, words, tools, children } = props;
  const { rows, isRunning, isPaused, behind, error } = followed;
  return (
    <Panel
      title={title}
      class="trace"
      actions={
        <>
          {tools}
          {rows.length > 0 && <Button onClick={followed.copy}>{t('trace.copy')}</Button>}
          {isRunning && <Button onClick={followed.pause}>{t(isPaused ? 'trace.goOn' : 'trace.pause')}</Button>}
          {isRunning ? (
            <Button onClick={followed.stop}>{t('trace.stop')}</Button>
          ) : (
            <Button onClick={followed.start}>{t('trace.start')}</Button>
          )}
        </>
      }
    >
      {error !== null && <ErrorNote error={error} />}
      {children}
      {rows.length === 0 ? (
        <p class="secondary">{t(isRunning ? `${words}.waiting` : `${words}.hint`)}</p>
      ) : (
        <Rows {...props} still={isPaused || !isRunning} />
      )}
      {behind > 0 && (
        <p class="panel-note" role="status">
          {tn(`${words}.behind`, behind, count(behind))}
        </p>
      )}
    </Panel>
  );
}

function Rows<T>(props: FollowedPanelProps<T> & { still: boolean }) {
  const { title, followed, words, still } = props;
  const { rows } = followed;
  const box = useRef<HTMLOListElement>(null);
  useEffect(() => {
    if (!still) box.current?.scrollTo(0, box.current.scrollHeight);
  }, [rows.at(-1)?.id, still]);
  const content = (row: TraceRow<T>): ComponentChildren => {
    if ('packet' in row) return props.row(row.packet);
    return 'leftOut' in row ? t(`${words}.leftOut`, { count: count(row.leftOut) }) : t('trace.ended', { reason: row.ended });
  };
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable with the keyboard
    <ol class={`packets ${props.class ?? ''}`} ref={box} tabIndex={0} aria-label={title}>
      {rows.map((row) => (
        <li key={row.id} class={`packet ${'packet' in row ? props.rowClass(row.packet) : 'packet-note'}`}>
          {content(row)}
        </li>
      ))}
    </ol>
  );
}

/** When it was, to the millisecond, and which way it went. */
export function RowHead({ at, isToRight, way }: { at: number; isToRight: boolean /** Read aloud. */; way: string }) {
  return (
    <>
      <time class="packet-time">{`${clockTime(at)}.${String(new Date(at).getMilliseconds()).padStart(3, '0')}`}</time>
      <span class="packet-way">
        <span aria-hidden="true">{isToRight ? '→' : '←'}</span>
        <span class="sr-only">{way}</span>
      </span>
    </>
  );
}
