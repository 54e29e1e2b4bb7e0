import { useEffect, useReducer, useRef, useState } from 'preact/hooks';
import { type ApiError, asApiError, openTrace } from '../api/client.js';
import type { TracedPacket } from '../api/types.js';
import { clockTime, count } from '../i18n/format.js';
import { t, tn } from '../i18n/translate.js';
import { followEvents } from '../state/follow-events.js';
import { say } from '../state/toasts.js';
import { summaryOf, TraceLog, type TraceRow, traceText } from '../state/trace-log.js';
import { Panel } from './basics.js';
import { Button, ErrorNote, Segments } from './forms.js';

type Payloads = 'off' | 'on';
/** Bytes of a payload that are shown. */
const PREVIEW = 64;

/** What goes between a client and the broker, packet by packet, as it happens. */
export function TracePanel({ client }: { client: string }) {
  const [, render] = useReducer((turn: number) => turn + 1, 0);
  const [log] = useState(() => new TraceLog());
  const [stop, setStop] = useState<AbortController | null>(null);
  const [payloads, setPayloads] = useState<Payloads>('off');
  const [error, setError] = useState<ApiError | null>(null);
  const running = stop !== null;
  useEffect(() => () => stop?.abort(), [stop]);

  const start = () => {
    const controller = new AbortController();
    log.clear();
    setError(null);
    setStop(controller);
    followEvents(openTrace(client, payloads === 'on' ? PREVIEW : 0, controller.signal), controller.signal, (event, data) => {
      log.take(event, data);
      render(undefined);
    })
      .catch((thrown: unknown) => {
        if (!controller.signal.aborted) setError(asApiError(thrown));
      })
      .finally(() => setStop((current) => (current === controller ? null : current)));
  };
  const pause = () => {
    if (log.isPaused) log.goOn();
    else log.pause();
    render(undefined);
  };
  const copy = () => {
    navigator.clipboard.writeText(traceText(log.rows)).then(
      () => say(t('trace.copied')),
      (thrown: unknown) => setError(asApiError(thrown)),
    );
  };
  return (
    <Panel
      title={t('trace.title')}
      class="trace"
      actions={
        <>
          <Segments
            label={t('trace.payloads')}
            value={payloads}
            options={[
              { value: 'off', label: t('trace.payloads.off') },
              { value: 'on', label: t('trace.payloads.on') },
            ]}
            onChange={(value) => {
              setPayloads(value);
              stop?.abort();
              setStop(null);
            }}
          />
          {log.rows.length > 0 && <Button onClick={copy}>{t('trace.copy')}</Button>}
          {running && <Button onClick={pause}>{t(log.isPaused ? 'trace.goOn' : 'trace.pause')}</Button>}
          {running ? <Button onClick={() => setStop(null)}>{t('trace.stop')}</Button> : <Button onClick={start}>{t('trace.start')}</Button>}
        </>
      }
    >
      {error !== null && <ErrorNote error={error} />}
      {log.rows.length === 0 ? (
        <p class="secondary">{t(running ? 'trace.waiting' : 'trace.hint')}</p>
      ) : (
        <Packets rows={log.rows} still={log.isPaused || !running} />
      )}
      {log.behind > 0 && (
        <p class="panel-note" role="status">
          {tn('trace.behind', log.behind, count(log.behind))}
        </p>
      )}
    </Panel>
  );
}

function Packets({ rows, still }: { rows: readonly TraceRow[]; still: boolean }) {
  const box = useRef<HTMLOListElement>(null);
  useEffect(() => {
    if (!still) box.current?.scrollTo(0, box.current.scrollHeight);
  }, [rows.at(-1)?.id, still]);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable with the keyboard
    <ol class="packets" ref={box} tabIndex={0} aria-label={t('trace.title')}>
      {rows.map((row) => (
        <li key={row.id} class={'packet' in row ? `packet packet-${row.packet.direction}` : 'packet packet-note'}>
          {'packet' in row ? (
            <PacketLine packet={row.packet} />
          ) : 'leftOut' in row ? (
            t('trace.leftOut', { count: count(row.leftOut) })
          ) : (
            t('trace.ended', { reason: row.ended })
          )}
        </li>
      ))}
    </ol>
  );
}

function PacketLine({ packet }: { packet: TracedPacket }) {
  const { at, direction, type, payload } = packet;
  const summary = summaryOf(packet);
  return (
    <>
      <time class="packet-time">{`${clockTime(at)}.${String(new Date(at).getMilliseconds()).padStart(3, '0')}`}</time>
      <span class="packet-way">
        <span aria-hidden="true">{direction === 'in' ? '→' : '←'}</span>
        <span class="sr-only">{t(direction === 'in' ? 'trace.in' : 'trace.out')}</span>
      </span>
      <span class="packet-type">{type.toUpperCase()}</span>
      <span class="packet-summary mono">{summary}</span>
      {payload !== undefined && payload !== '' && <span class="packet-payload mono">{payload}</span>}
    </>
  );
}
