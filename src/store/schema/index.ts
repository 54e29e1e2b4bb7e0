import { initial } from './001-initial.js';
import { sentTo } from './002-sent-to.js';
import { segments } from './003-segments.js';
import { owesRetained } from './004-owes-retained.js';

export interface Migration {
  /** Consecutive from 1; becomes PRAGMA user_version. */
  number: number;
  name: string;
  sql: string;
}

/** In order. One that was released is never changed: add another. */
export const MIGRATIONS: readonly Migration[] = [initial, sentTo, segments, owesRetained];
