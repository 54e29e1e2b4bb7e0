/** Which subscriptions have not got all of their retained messages yet, so that a crash does not keep them from it [MQTT-3.3.1-6]. */
export const owesRetained = {
  number: 4,
  name: 'owes retained',
  sql: 'ALTER TABLE subscription ADD COLUMN owes_retained INTEGER NOT NULL DEFAULT 0;',
} as const;
