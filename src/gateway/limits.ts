import type { BrokerLimits } from '../broker/limits.js';
import type { BrokerConfig } from '../broker/schema.js';

/** The broker's limits as the configuration has them. */
export function limitsOf(config: BrokerConfig): Partial<BrokerLimits> {
  const { limits } = config;
  return {
    maxConnections: limits.max_connections,
    maxPacketSize: limits.max_packet_size,
    maxInflight: limits.max_inflight,
    maxQueuedMessages: limits.max_queued_messages,
    maxQueuedBytes: limits.max_queued_bytes,
    whenQueueFull: limits.when_queue_full,
    maxSessionExpiry: Math.max(1, Math.floor(limits.max_session_expiry / 1000)),
    maxKeepAlive: Math.floor(limits.max_keep_alive / 1000),
    maxTopicLevels: limits.max_topic_levels,
    maxSubscriptions: limits.max_subscriptions,
    maxRetainedMessages: limits.max_retained_messages,
    maxRetainedBytes: limits.max_retained_bytes,
    clientBuffer: limits.client_buffer,
    messageRate: limits.message_rate,
    byteRate: limits.byte_rate,
    connectionRate: limits.connection_rate,
    banAfter: limits.ban.after,
    banMs: limits.ban.for,
  };
}
