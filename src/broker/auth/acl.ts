import { matches } from '../../mqtt/topics.js';
import type { AccessRuleConfig } from '../schema.js';

export type AccessAction = 'publish' | 'subscribe';

interface CompiledRule {
  user: RegExp;
  effect: 'allow' | 'deny';
  actions: ReadonlySet<AccessAction>;
  topics: readonly string[];
}

/**
 * The access rules, in order; the first that matches decides. With no rules at all, whoever was let in may do everything;
 * with rules, what no rule matches is denied.
 */
export class AccessRules {
  readonly #rules: readonly CompiledRule[];

  constructor(rules: readonly AccessRuleConfig[]) {
    this.#rules = rules.flatMap(compile);
  }

  /** May this client publish to the topic name? */
  mayPublish(username: string | null, clientId: string, topic: string): boolean {
    // What begins with $SYS is the broker's to say.
    if (topic.startsWith('$SYS/') || topic === '$SYS') return false;
    return this.#decide('publish', username, clientId, (filter) => matches(filter, topic));
  }

  /** May this client subscribe to the filter? Every topic that the filter can match must be allowed. */
  maySubscribe(username: string | null, clientId: string, filter: string): boolean {
    if (this.#rules.length === 0) return true;
    for (const rule of this.#rules) {
      if (!this.#concerns(rule, 'subscribe', username)) continue;
      for (const template of rule.topics) {
        const ruleFilter = fill(template, username, clientId);
        if (ruleFilter === null) continue;
        if (rule.effect === 'allow' ? covers(ruleFilter, filter) : overlaps(ruleFilter, filter)) return rule.effect === 'allow';
      }
    }
    return false;
  }

  #decide(action: AccessAction, username: string | null, clientId: string, fits: (filter: string) => boolean): boolean {
    if (this.#rules.length === 0) return true;
    for (const rule of this.#rules) {
      if (!this.#concerns(rule, action, username)) continue;
      for (const template of rule.topics) {
        const filter = fill(template, username, clientId);
        if (filter !== null && fits(filter)) return rule.effect === 'allow';
      }
    }
    return false;
  }

  #concerns(rule: CompiledRule, action: AccessAction, username: string | null): boolean {
    return rule.actions.has(action) && rule.user.test(username ?? '');
  }
}

function compile(rule: AccessRuleConfig): CompiledRule[] {
  const user = new RegExp(`^${rule.user.split('*').map(escapeRegExp).join('.*')}$`, 's');
  const compiled: CompiledRule[] = [];
  if (rule.deny !== undefined) compiled.push({ user, effect: 'deny', actions: new Set(rule.deny), topics: rule.topics });
  if (rule.allow !== undefined) compiled.push({ user, effect: 'allow', actions: new Set(rule.allow), topics: rule.topics });
  return compiled;
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** Puts the user name and client id in; null where that would smuggle in wildcards or levels. */
function fill(template: string, username: string | null, clientId: string): string | null {
  let filter = template;
  if (template.includes('%u')) {
    if (username === null || !isOneLevel(username)) return null;
    filter = filter.replaceAll('%u', () => username);
  }
  if (template.includes('%c')) {
    if (!isOneLevel(clientId)) return null;
    filter = filter.replaceAll('%c', () => clientId);
  }
  // A client that calls itself $SYS is not given the broker's topics by a rule on `%c/#`.
  return filter.startsWith('$') && !template.startsWith('$') ? null : filter;
}

function isOneLevel(text: string): boolean {
  return text !== '' && !/[/+#]/.test(text);
}

/** Does `outer` match every topic that `inner` matches? */
export function covers(outer: string, inner: string): boolean {
  const outerLevels = outer.split('/');
  const innerLevels = inner.split('/');
  if (inner.startsWith('$') && (outerLevels[0] === '#' || outerLevels[0] === '+')) return false;
  for (let i = 0; i < outerLevels.length; i++) {
    if (outerLevels[i] === '#') return true;
    const level = innerLevels[i];
    if (level === undefined || level === '#') return false;
    if (outerLevels[i] !== '+' && outerLevels[i] !== level) return false;
  }
  return innerLevels.length === outerLevels.length;
}

/** Is there a topic that both filters match? */
export function overlaps(one: string, other: string): boolean {
  const a = one.split('/');
  const b = other.split('/');
  // [MQTT-4.7.2-1] `#` does not match what begins with $.
  if (one.startsWith('$') !== other.startsWith('$') && [a[0], b[0]].some((level) => level === '#' || level === '+')) return false;
  for (let i = 0; ; i++) {
    const left = a[i];
    const right = b[i];
    if (left === '#' || right === '#') return true;
    if (left === undefined || right === undefined) return left === right || (left ?? right) === '#';
    if (left !== '+' && right !== '+' && left !== right) return false;
  }
}
