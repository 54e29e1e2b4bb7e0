import { V3_STATEMENTS } from './statements-v3.js';
import { V5_STATEMENTS } from './statements-v5.js';

/** MQTT 3.1.1 or 5.0. */
export type SpecVersion = 3 | 5;

/** A normative statement: its id without MQTT-, whom it binds, a paraphrase; where nothing here checks it: why. */
export type StatementRow = readonly [id: string, binds: 'server' | 'client' | 'both', paraphrase: string, reason?: string];

export interface Statement {
  /** As the specification has it, e.g. MQTT-3.1.0-1. */
  id: string;
  binds: 'server' | 'client' | 'both';
  /** What it asks for, in our words. */
  paraphrase: string;
  /** Why no test checks it; null: a test has to. */
  reason: string | null;
}

const CLIENT_ONLY = 'Binds the client alone.';

function statements(rows: readonly StatementRow[]): Map<string, Statement> {
  return new Map(
    rows.map(([number, binds, paraphrase, reason]) => {
      const id = `MQTT-${number}`;
      return [id, { id, binds, paraphrase, reason: reason ?? (binds === 'client' ? CLIENT_ONLY : null) }];
    }),
  );
}

/** The normative statements (appendix B) of both specifications, by id and in their order. */
export const STATEMENTS: Record<SpecVersion, ReadonlyMap<string, Statement>> = {
  3: statements(V3_STATEMENTS),
  5: statements(V5_STATEMENTS),
};
