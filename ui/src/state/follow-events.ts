import { SseParser } from '../api/sse.js';

/** Reads server-sent events until the gateway ends them or `signal` does. */
export async function followEvents(
  opening: Promise<ReadableStream<Uint8Array>>,
  signal: AbortSignal,
  take: (event: string, data: string) => void,
): Promise<void> {
  const reader = (await opening).getReader();
  signal.addEventListener('abort', () => void reader.cancel().catch(() => undefined));
  const decoder = new TextDecoder();
  const parser = new SseParser();
  for (;;) {
    const { done, value } = await reader.read();
    if (done || signal.aborted) return;
    for (const { event, data } of parser.feed(decoder.decode(value, { stream: true }))) take(event, data);
  }
}
