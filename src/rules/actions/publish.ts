import type { ErrorPlace } from '../../errors.js';
import type { QoS } from '../../mqtt/packets.js';
import type { Scope } from '../expression/scope.js';
import type { Action } from '../rule.js';
import { ruleError } from '../rule-error.js';
import { faultOfTopic } from '../topics.js';

export interface PublishSettings {
  topic: (scope: Scope) => string;
  payload: (scope: Scope) => Buffer;
  qos: QoS;
  retain: boolean;
  place: ErrorPlace;
}

/** `publish`: a message of the rule's own. */
export function compilePublish({ topic, payload, qos, retain, place }: PublishSettings): Action {
  return (scope) => {
    const name = topic(scope);
    const fault = faultOfTopic(name);
    if (fault !== null) throw ruleError('FER_RULES_ACTION', fault, { where: place });
    const message = { topic: name, payload: payload(scope), qos, retain, properties: null };
    return (context) => context.publish(message);
  };
}
