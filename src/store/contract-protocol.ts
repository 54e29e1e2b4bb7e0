/** Requests of persistence.ts to the writer thread. Each is a transaction of its own. */
import type { SessionId, StoredSubscription } from './types.js';

export interface MatchedSubscription {
  clientId: string;
  subscription: StoredSubscription;
}

/** A retained message or will: the bytes of message-codec.ts, and JSON of what the contract adds (null: written by the broker). */
export interface ContractRecord {
  key: string;
  message: Uint8Array;
  extra: string | null;
}

export interface ContractRequests {
  'contract.storeRetained': { ask: { topic: string; message: Uint8Array | null; extra: string }; answer: null };
  'contract.retained': { ask: { after: string | null; limit: number }; answer: ContractRecord[] };
  'contract.addSubscriptions': { ask: { clientId: string; sid: SessionId; subscriptions: StoredSubscription[] }; answer: null };
  'contract.removeSubscriptions': { ask: { clientId: string; filters: string[] }; answer: null };
  'contract.cleanSubscriptions': { ask: { clientId: string }; answer: null };
  'contract.subscriptions': { ask: { clientId: string }; answer: StoredSubscription[] };
  'contract.match': { ask: { topic: string }; answer: MatchedSubscription[] };
  'contract.count': { ask: null; answer: { subsCount: number; clientsCount: number } };
  'contract.clients': { ask: { filter: string }; answer: string[] };
  'contract.enqueue': { ask: { clientIds: string[]; brokerId: string | null; brokerCounter: number; packet: Uint8Array }; answer: null };
  /** false: no such packet. A packet with an origin gets its message id; one without (PUBREL) replaces the one with its message id. */
  'contract.update': {
    ask: { clientId: string; brokerId: string | null; brokerCounter: number; messageId: number | null; packet: Uint8Array };
    answer: boolean;
  };
  'contract.clear': { ask: { clientId: string; messageId: number }; answer: OutgoingRow | null };
  'contract.outgoingEnd': { ask: { clientId: string }; answer: number };
  'contract.outgoing': { ask: { clientId: string; after: number; end: number; limit: number }; answer: OutgoingRow[] };
  'contract.storeIncoming': { ask: { clientId: string; messageId: number; packet: Uint8Array }; answer: null };
  'contract.incoming': { ask: { clientId: string; messageId: number }; answer: Uint8Array | null };
  'contract.deleteIncoming': { ask: { clientId: string; messageId: number }; answer: boolean };
  'contract.cleanIncoming': { ask: { clientId: string }; answer: null };
  'contract.putWill': { ask: { clientId: string; at: number; message: Uint8Array; extra: string }; answer: null };
  'contract.will': { ask: { clientId: string }; answer: ContractRecord | null };
  'contract.deleteWill': { ask: { clientId: string }; answer: ContractRecord | null };
  'contract.wills': { ask: null; answer: ContractRecord[] };
}

export interface OutgoingRow {
  n: number;
  messageId: number | null;
  packet: Uint8Array;
}

export type ContractKind = keyof ContractRequests;

export function isContract(kind: string): kind is ContractKind {
  return kind.startsWith('contract.');
}
