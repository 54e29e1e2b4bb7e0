import { useEffect, useReducer, useRef, useState } from 'preact/hooks';
import { type ApiError, asApiError, openFrames } from '../api/client.js';
import type { MonitorFrame } from '../api/types.js';
import { clockTime, count, ms } from '../i18n/format.js';
import { t, tn } from '../i18n/translate.js';
import { followEvents } from '../state/follow-events.js';
import { framesText, meaningOf, printable, spaced } from '../state/frame-text.js';
import { say } from '../state/toasts.js';
import { TraceLog, type TraceRow } from '../state/trace-log.js';
import { Panel } from './basics.js';
import { Button, ErrorNote, Segments } from './forms.js';
import { Status } from './status.js';

type Bytes = 'off' | 'on';

/** What goes over a bus, frame by frame, as it happens; of a serial line the bytes. */
export function FramesPanel({ bus, serial, children }: { bus: string; serial: boolean; children?: preact.ComponentChildren }) {
  const [, render] = useReducer((turn: number) => turn + 1, 0);
  const [log] = useState(() => new TraceLog<MonitorFrame>('frame'));
  const [stop, setStop] = useState<AbortController | null>(null);
  const [bytes, setBytes] = useState<Bytes>('off');
  const [error, setError] = useState<ApiError | null>(null);
  const running = stop !== null;
  useEffect(() => () => stop?.abort(), [stop]);

  const start = () => {
    const controller = new AbortController();
    log.clear();
    setError(null);
    setStop(controller);
    followEvents(openFrames(bus, controller.signal), controller.signal, (event, data) => {
      log.take(event, data);
      render(undefined);
    })
      .catch((thrown: unknown) => {
        if (!controller.signal.aborted) setError(asApiError(thrown));
      })
      .finally(() => setStop((current) => (current === controller ? null : current)));
  };
  // Who opens this wants to see what goes on.
  useEffect(start, [bus]);
  const pause = () => {
    if (log.isPaused) log.goOn();
    else log.pause();
    render(undefined);
  };
  const copy = () => {
    navigator.clipboard.writeText(framesText(log.rows)).then(
      () => say(t('busFrames.copied')),
      (thrown: unknown) => setError(asApiError(thrown)),
    );
  };
  return (
    <Panel
      title={t(serial ? 'bus.terminal' : 'busFrames.title')}
      class="trace"
      actions={
        <>
          {!serial && (
            <Segments
              label={t('busFrames.bytes')}
              value={bytes}
              options={[
                { value: 'off', label: t('busFrames.bytes.off') },
                { value: 'on', label: t('busFrames.bytes.on') },
              ]}
              onChange={setBytes}
            />
          )}
          {log.rows.length > 0 && <Button onClick={copy}>{t('trace.copy')}</Button>}
          {running && <Button onClick={pause}>{t(log.isPaused ? 'trace.goOn' : 'trace.pause')}</Button>}
          {running ? <Button onClick={() => setStop(null)}>{t('trace.stop')}</Button> : <Button onClick={start}>{t('trace.start')}</Button>}
        </>
      }
    >
      {error !== null && <ErrorNote error={error} />}
      {children}
      {log.rows.length === 0 ? (
        <p class="secondary">{t(running ? 'busFrames.waiting' : 'busFrames.hint')}</p>
      ) : (
        <Frames rows={log.rows} still={log.isPaused || !running} bytes={serial || bytes === 'on'} />
      )}
      {log.behind > 0 && (
        <p class="panel-note" role="status">
          {tn('busFrames.behind', log.behind, count(log.behind))}
        </p>
      )}
    </Panel>
  );
}

function Frames({ rows, still, bytes }: { rows: readonly TraceRow<MonitorFrame>[]; still: boolean; bytes: boolean }) {
  const box = useRef<HTMLOListElement>(null);
  useEffect(() => {
    if (!still) box.current?.scrollTo(0, box.current.scrollHeight);
  }, [rows.at(-1)?.id, still]);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable with the keyboard
    <ol class="packets frames" ref={box} tabIndex={0} aria-label={t('busFrames.title')}>
      {rows.map((row) => (
        <li key={row.id} class={'packet' in row ? `packet frame frame-${row.packet.direction}` : 'packet packet-note'}>
          {'packet' in row ? (
            <FrameLine frame={row.packet} bytes={bytes} />
          ) : 'leftOut' in row ? (
            t('busFrames.leftOut', { count: count(row.leftOut) })
          ) : (
            row.ended
          )}
        </li>
      ))}
    </ol>
  );
}

function FrameLine({ frame, bytes }: { frame: MonitorFrame; bytes: boolean }) {
  const { at, direction, unit, exception, error, tookMs } = frame;
  const meaning = meaningOf(frame);
  const hasMeaning = meaning !== '';
  return (
    <>
      <time class="packet-time">{`${clockTime(at)}.${String(new Date(at).getMilliseconds()).padStart(3, '0')}`}</time>
      <span class="packet-way">
        <span aria-hidden="true">{direction === 'in' ? '←' : '→'}</span>
        <span class="sr-only">{t(direction === 'in' ? 'busFrames.in' : 'busFrames.out')}</span>
      </span>
      <span class="packet-type">{unit === null ? '' : t('busFrames.unit', { unit })}</span>
      <span class="frame-what">
        {error !== null && (
          <Status kind={error === 'timeout' || error === 'crc' ? 'failure' : 'spec'} word={t(`busFrames.error.${error}`)} />
        )}
        {exception !== null && <Status kind="spec" word={t('busFrames.exception', { code: exception.code, text: exception.text })} />}
        {hasMeaning && <span class="mono">{meaning}</span>}
        {!hasMeaning && frame.bytes !== '' && <span class="mono frame-text">{printable(frame.bytes)}</span>}
      </span>
      <span class="frame-took">{tookMs === null ? '' : ms(tookMs)}</span>
      {frame.bytes !== '' && (bytes || !hasMeaning) && <span class="packet-payload mono frame-bytes">{spaced(frame.bytes)}</span>}
    </>
  );
}
