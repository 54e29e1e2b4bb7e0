/** Every limit of the broker, with its default. What a limit drops or refuses is counted in BrokerCounters. */
export interface BrokerLimits {
  /** Connections at once; further ones are closed. */
  maxConnections: number;
  /** Bytes of a whole packet. */
  maxPacketSize: number;
  /** Bytes of a CONNECT and what else a client may send before it is let in: strangers must not cost much memory. */
  maxConnectSize: number;
  /** Unacknowledged QoS 1 and 2 messages towards one client. */
  maxInflight: number;
  /** Unacknowledged QoS 1 and 2 messages from one client before its socket is paused. */
  maxInbound: number;
  /** Messages waiting in one session. */
  maxQueuedMessages: number;
  /** Payload and topic bytes waiting in one session. */
  maxQueuedBytes: number;
  /** Topic aliases that a v5 client may use towards us. */
  topicAliasMaximum: number;
  /** reject: not taken, and a v5 publisher is told so; for all others as drop_newest. */
  whenQueueFull: 'drop_oldest' | 'drop_newest' | 'reject';
  /** Seconds a session outlives its connection at the most. */
  maxSessionExpiry: number;
  /** Seconds; a client that asks for more (or for none) is checked at this one. */
  maxKeepAlive: number;
  maxTopicLevels: number;
  /** Of one session. */
  maxSubscriptions: number;
  /** Retained messages of all topics: they are held in memory. */
  maxRetainedMessages: number;
  /** Topic, payload and property bytes of all retained messages. */
  maxRetainedBytes: number;
  /** Bytes waiting towards one client's socket before QoS 0 is dropped and QoS 1 and 2 wait. */
  clientBuffer: number;
  /** ms a connection may take until its CONNECT. */
  connectTimeoutMs: number;
  /** Queue entries of one session that are held in memory. */
  windowMessages: number;
  /** Bytes of queue entries of one session that are held in memory. */
  windowBytes: number;
  /** Bytes in memory of the windows of all sessions: while that lasts, a window may hold more than `windowMessages`. */
  windowsBytes: number;
  /** ms a publisher stays connected without acknowledgement once the disk refuses. */
  refusedCloseMs: number;
  /** Messages per client and second before its socket is paused; 0: unlimited. */
  messageRate: number;
  /** Bytes per client and second before its socket is paused; 0: unlimited. */
  byteRate: number;
  /** New connections per address and second, ten times as many at once; 0: unlimited. Loopback is left out. */
  connectionRate: number;
  /** Failed logins of a user from an address before a ban; 0: never. Loopback is left out. */
  banAfter: number;
  /** ms that the first ban lasts. */
  banMs: number;
}

export const DEFAULT_LIMITS: BrokerLimits = {
  maxConnections: 10_000,
  maxPacketSize: 1024 * 1024,
  maxConnectSize: 128 * 1024,
  maxInflight: 100,
  maxInbound: 1000,
  topicAliasMaximum: 32,
  maxQueuedMessages: 100_000,
  maxQueuedBytes: 64 * 1024 * 1024,
  whenQueueFull: 'drop_oldest',
  maxSessionExpiry: 30 * 86_400,
  maxKeepAlive: 3600,
  maxTopicLevels: 100,
  maxSubscriptions: 20_000,
  maxRetainedMessages: 500_000,
  maxRetainedBytes: 256 * 1024 * 1024,
  clientBuffer: 1024 * 1024,
  connectTimeoutMs: 10_000,
  windowMessages: 500,
  windowBytes: 4 * 1024 * 1024,
  windowsBytes: 32 * 1024 * 1024,
  refusedCloseMs: 5000,
  messageRate: 0,
  byteRate: 0,
  connectionRate: 50,
  banAfter: 10,
  banMs: 600_000,
};

/** What went through the broker, and what it dropped or refused and why. Monotonic. */
export class BrokerCounters {
  /** PUBLISH packets of clients, and to clients. */
  messagesIn = 0;
  /** Published by the gateway's own parts: values, rules, bridges, the console. */
  messagesLocal = 0;
  messagesOut = 0;
  /** Payload bytes of those. */
  payloadBytesIn = 0;
  payloadBytesOut = 0;
  /** Packets of all types. */
  packetsIn = 0;
  packetsOut = 0;
  /** All bytes, as they are on the wire. */
  bytesIn = 0;
  bytesOut = 0;
  connectionsAccepted = 0;
  connectPackets = 0;
  /** Sessions that outlived their time. */
  sessionsExpired = 0;
  connectionsRefused = 0;
  protocolErrors = 0;
  loginsRefused = 0;
  /** Refused or closed because too many came from one address. */
  connectionsOverRate = 0;
  /** Sent to another server, when they came or while they were here. */
  redirected = 0;
  /** Refused because of a ban. */
  connectionsBanned = 0;
  /** Bans that were begun. */
  bans = 0;
  /** Times that a client's socket was paused because it sent too much. */
  throttled = 0;
  /** Connections closed because their CONNECT, or the end of its login, did not come in time. */
  connectTimeouts = 0;
  /** Clients that said nothing for one and a half times their keep-alive. */
  keepAliveTimeouts = 0;
  /** Connections ended because another one came with their client id. */
  takenOver = 0;
  /** Connections ended because the token or the user they logged in with is no longer valid. */
  loginsEnded = 0;
  /** Subscriptions taken away by a changed rule. */
  subscriptionsRevoked = 0;
  publishesDenied = 0;
  subscriptionsDenied = 0;
  /** Retained messages that were delivered but not kept, because there were too many. */
  retainedOverLimit = 0;
  /** Refused because the session had too many. */
  subscriptionsOverLimit = 0;
  /** QoS 0 towards a client whose buffer was full. */
  droppedSlow = 0;
  /** Queue limits of sessions. */
  droppedFull = 0;
  /** Not taken into a full queue, and their v5 publishers told so. */
  rejectedFull = 0;
  droppedExpired = 0;
  /** Larger than the receiver takes, withheld by authorizeForward, or queued before the rules forbade to read it. */
  droppedUndeliverable = 0;
  /** Published, but the disk refused. */
  storeRefused = 0;
}
