/**
 * A malformed or illegal packet, or one that cannot be put on the wire.
 *
 * `reasonCode` is the v5 reason code for CONNACK or DISCONNECT. `clause` is the statement of MQTT 5.0 that was
 * broken (`[MQTT-3.3.1-4]`), the section where the specification numbers no statement (`§2.2.2.2`), or, for a rule
 * that only the older version has, that version's with its name (`3.1.1 [MQTT-3.1.2-22]`).
 */
export class MqttError extends Error {
  readonly reasonCode: number;
  readonly clause: string;
  /** The protocol level that a CONNECT asked for, where it is one that is not spoken here; otherwise null. */
  readonly protocolLevel: number | null;

  constructor(reasonCode: number, clause: string, cause: string, protocolLevel: number | null = null) {
    super(cause);
    this.name = 'MqttError';
    this.reasonCode = reasonCode;
    this.clause = clause;
    this.protocolLevel = protocolLevel;
  }
}
