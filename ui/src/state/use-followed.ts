import { useEffect, useReducer, useState } from 'preact/hooks';
import { type ApiError, asApiError } from '../api/client.js';
import { followEvents } from './follow-events.js';
import { say } from './toasts.js';
import { TraceLog, type TraceRow } from './trace-log.js';

/** What is followed, its rows, and what a person can do with them. */
export interface Followed<T> {
  rows: readonly TraceRow<T>[];
  isRunning: boolean;
  isPaused: boolean;
  /** Rows that came since the pause began. */
  behind: number;
  error: ApiError | null;
  /** Begins anew. */
  start(): void;
  stop(): void;
  /** Holds the rows still, or lets them go on. */
  pause(): void;
  copy(): void;
}

interface FollowedOptions<T> {
  /** Name of the events that become rows. */
  event: string;
  open(signal: AbortSignal): Promise<ReadableStream<Uint8Array>>;
  /** The rows as text, for the clipboard. */
  textOf(rows: readonly TraceRow<T>[]): string;
  /** Said when they were copied. */
  copied: string;
}

/** Follows events of the gateway, row by row, until it is stopped or the component goes. */
export function useFollowed<T>({ event, open, textOf, copied }: FollowedOptions<T>): Followed<T> {
  const [, render] = useReducer((turn: number) => turn + 1, 0);
  const [log] = useState(() => new TraceLog<T>(event));
  const [running, setRunning] = useState<AbortController | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  useEffect(() => () => running?.abort(), [running]);
  return {
    rows: log.rows,
    isRunning: running !== null,
    isPaused: log.isPaused,
    behind: log.behind,
    error,
    start: () => {
      const controller = new AbortController();
      log.clear();
      setError(null);
      setRunning(controller);
      followEvents(open(controller.signal), controller.signal, (name, data) => {
        log.take(name, data);
        render(undefined);
      })
        .catch((thrown: unknown) => {
          if (!controller.signal.aborted) setError(asApiError(thrown));
        })
        .finally(() => setRunning((current) => (current === controller ? null : current)));
    },
    stop: () => setRunning(null),
    pause: () => {
      if (log.isPaused) log.goOn();
      else log.pause();
      render(undefined);
    },
    copy: () => {
      navigator.clipboard.writeText(textOf(log.rows)).then(
        () => say(copied),
        (thrown: unknown) => setError(asApiError(thrown)),
      );
    },
  };
}
