/** How far a session's queue was sent, so that what is sent again carries DUP after a restart too [MQTT-3.3.1-1]. */
export const sentTo = {
  number: 2,
  name: 'sent to',
  sql: 'ALTER TABLE session ADD COLUMN sent_to INTEGER NOT NULL DEFAULT 0;',
} as const;
