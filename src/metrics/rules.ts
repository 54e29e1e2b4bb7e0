import type { Registry } from 'prom-client';
import type { MetricsPorts } from './ports.js';
import { counter, gauge, type Sample } from './series.js';

type Rule = ReturnType<MetricsPorts['rules']['rules']>[number];

export function registerRules(registry: Registry, rules: MetricsPorts['rules']): void {
  const perRule = (read: (rule: Rule) => number) => () => rules.rules().map((rule): Sample => [[rule.name], read(rule)]);
  const label = ['rule'];

  gauge(
    registry,
    'ferrule_rule_up',
    'Whether a rule runs as its file says (1), or its file does not compile (0).',
    label,
    perRule(({ state }) => (state === 'running' ? 1 : 0)),
  );
  counter(
    registry,
    'ferrule_rule_matched_total',
    'Messages that a rule looked at.',
    label,
    perRule(({ matched }) => matched),
  );
  counter(
    registry,
    'ferrule_rule_fired_total',
    'Times that a rule acted.',
    label,
    perRule(({ fired }) => fired),
  );
  counter(
    registry,
    'ferrule_rule_failed_total',
    'Times that a rule failed.',
    label,
    perRule(({ failed }) => failed),
  );
  counter(
    registry,
    'ferrule_rule_seconds_total',
    'Time spent in a rule.',
    label,
    perRule(({ timeMs }) => timeMs / 1000),
  );
}
