/** What a bridge says about itself; plain data. The shapes are those that the console declares on its side. */
export type PartState = 'stopped' | 'starting' | 'running' | 'degraded' | 'stopping';

export type LinkState = 'connected' | 'connecting' | 'waiting' | 'paused' | 'stopped';

export interface PartStatus {
  name: string;
  state: PartState;
  /** Wall ms since the state holds. */
  since: number;
  error: { code: string; message: string; hint?: string } | null;
}

export interface LedgerStatus {
  accepted: number;
  delivered: number;
  waiting: number;
  waitingBytes: number;
  /** By reason. */
  dropped: Record<string, number>;
  /** accepted - delivered - dropped - waiting; anything but 0 is a fault that is reported. */
  difference: number;
  /** Age of the oldest waiting message in ms; null: none waits. */
  oldestAgeMs: number | null;
}

export interface BridgeStatus {
  name: string;
  state: PartState;
  link: LinkState;
  /** Of the upstream that is connected or being tried; null: none yet. */
  url: string | null;
  /** Wall ms since `link` holds. */
  since: number;
  /** Wall ms; null: no attempt is planned. */
  nextAttemptAt: number | null;
  /** In words, with what to do; null: nothing is wrong. */
  lastError: string | null;
  /** ms from publish to acknowledgement, smoothed; null: nothing was acknowledged yet. */
  latency: number | null;
  /** Messages per second acknowledged by the upstream, over the last ten seconds. */
  outRate: number;
  /** Messages per second taken from the upstream, over the last ten seconds. */
  inRate: number;
  /** Messages taken from the upstream since the start. */
  received: number;
  /** Sent and not yet acknowledged. */
  inflight: number;
  ledger: LedgerStatus;
  mappings: { direction: 'out' | 'in'; topic: string; to: string; qos: number }[];
  /** Messages outside of the ledger that did not pass, by reason: QoS 0 while the link was busy, loops, no mapping. */
  ignored: Record<string, number>;
}

/** A bridge that is no longer configured and whose backlog is kept until it is discarded or configured again. */
export interface OrphanStatus {
  name: string;
  waiting: number;
  waitingBytes: number;
}
