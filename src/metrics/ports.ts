/**
 * What the metrics read, declared from their own side and only as far as they need it: objects of the gateway's parts
 * fit structurally. Everything is asked for when Prometheus scrapes, so nothing costs while nobody does.
 */
export interface MetricsPorts {
  gateway: {
    readonly version: string;
    readonly startedAt: number;
    parts(): { name: string; state: string }[];
  };
  broker: {
    status(): {
      connections: number;
      sessions: number;
      subscriptions: number;
      retained: number;
      queued: number;
      queuedBytes: number;
    };
    /** Totals since the start. */
    counters(): {
      messagesIn: number;
      messagesOut: number;
      messagesLocal: number;
      payloadBytesIn: number;
      payloadBytesOut: number;
      packetsIn: number;
      packetsOut: number;
      bytesIn: number;
      bytesOut: number;
      connectionsAccepted: number;
      connectionsRefused: number;
      connectPackets: number;
      sessionsExpired: number;
      protocolErrors: number;
      loginsRefused: number;
      publishesDenied: number;
      subscriptionsDenied: number;
      droppedSlow: number;
      droppedFull: number;
      rejectedFull: number;
      droppedExpired: number;
      droppedUndeliverable: number;
      storeRefused: number;
      connectionsOverRate: number;
      connectionsBanned: number;
      bans: number;
      throttled: number;
      redirected: number;
      loginsEnded: number;
      connectTimeouts: number;
      keepAliveTimeouts: number;
      takenOver: number;
      subscriptionsRevoked: number;
      subscriptionsOverLimit: number;
      retainedOverLimit: number;
    };
  };
  field: {
    devices(): {
      name: string;
      bus: string;
      state: string;
      /** ms */
      latency: number | null;
      counters: { requests: number; answers: number; timeouts: number; exceptions: number; crcErrors: number; late: number };
      scans: { name: string; lastMs: number | null; overruns: number }[];
      tags: { quality: string }[];
    }[];
    buses(): { name: string; state: string; queued: number }[];
  } & ModbusServersPort;
  bridges: {
    bridges(): {
      name: string;
      link: string;
      /** ms */
      latency: number | null;
      received: number;
      inflight: number;
      ledger: {
        accepted: number;
        delivered: number;
        waiting: number;
        waitingBytes: number;
        dropped: Record<string, number>;
        difference: number;
        oldestAgeMs: number | null;
      };
    }[];
  };
  rules: {
    rules(): { name: string; state: string; matched: number; fired: number; failed: number; timeMs: number }[];
  };
  storage: {
    status(): {
      state: string;
      databaseBytes: number;
      freeBytes: number | null;
      bytesWrittenToday: number;
      lastCommitMs: number;
      commits: number;
    };
  };
  console: {
    status(): { streams: number; streamsCutOff: number; streamsRefused: number };
  };
}

/** Modbus servers for other masters. */
export interface ModbusServersPort {
  modbusServers(): {
    name: string;
    state: string;
    connections: number;
    counters: {
      requests: number;
      exceptions: number;
      accepted: number;
      denied: number;
      overLimit: number;
      malformed: number;
      idle: number;
    };
  }[];
  modbusProxies(): { bus: string; cached: number; shared: number; passed: number }[];
}
