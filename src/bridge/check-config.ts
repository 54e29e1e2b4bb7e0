import { FerruleError, messageOf } from '../errors.js';
import { parseEndpoint } from './endpoint.js';
import { fillVariables, patternsOverlap, TopicMapping } from './mapping.js';
import type { BridgeConfig } from './schema.js';

/** What the schema cannot see. */
export interface BridgeFinding {
  /** Starts at the list of bridges: `[0, 'out', 1, 'to']`. */
  path: Path;
  message: string;
  hint: string;
}

type Path = (string | number)[];
type Report = (path: Path, message: string, hint: string) => void;

/** Everything that is wrong with the bridges of a configuration; empty: nothing. `gateway`: the gateway's id. */
export function checkBridges(bridges: readonly BridgeConfig[], gateway: string): BridgeFinding[] {
  const findings: BridgeFinding[] = [];
  const report: Report = (path, message, hint) => findings.push({ path, message, hint });
  const names = new Set<string>();
  const sessions = new Map<string, string>();
  for (const [index, bridge] of bridges.entries()) {
    const path = [index];
    if (names.has(bridge.name))
      report([...path, 'name'], `There are two bridges named ${bridge.name}.`, 'The spool belongs to the name: give each its own.');
    names.add(bridge.name);
    checkTimes(bridge, path, report);
    checkTls(bridge, path, report);
    checkSessions(bridge, gateway, path, sessions, report);
    checkMappings(bridge, gateway, path, report);
  }
  return findings;
}

function checkTimes(bridge: BridgeConfig, path: Path, report: Report): void {
  if (bridge.reconnect.max < bridge.reconnect.min)
    report([...path, 'reconnect', 'max'], 'max is shorter than min.', 'Let max be the longer one.');
}

function checkTls(bridge: BridgeConfig, path: Path, report: Report): void {
  const { tls } = bridge;
  if (tls === undefined) return;
  if ((tls.cert === undefined) !== (tls.key === undefined)) {
    report(
      [...path, 'tls', tls.cert === undefined ? 'key' : 'cert'],
      'A client certificate needs both cert and key.',
      'Set both, or neither.',
    );
  }
  for (const [index, url] of bridge.urls.entries()) {
    if (url.startsWith('mqtt://'))
      report([...path, 'urls', index], `tls is set, but ${url} is not encrypted.`, 'Use mqtts://, or leave tls out.');
  }
}

function checkSessions(bridge: BridgeConfig, gateway: string, path: Path, sessions: Map<string, string>, report: Report): void {
  let clientId: string | null = null;
  attempt([...path, 'client_id'], report, () => {
    clientId = fillVariables(bridge.client_id, { gateway, bridge: bridge.name });
  });
  for (const [index, url] of bridge.urls.entries()) {
    attempt([...path, 'urls', index], report, () => {
      const { host, port } = parseEndpoint(url);
      const session = JSON.stringify([host, port, clientId]);
      const other = sessions.get(session);
      if (other !== undefined && other !== bridge.name) {
        report(
          [...path, 'client_id'],
          `Bridge ${other} uses the same client id at ${url}: the two would throw each other out.`,
          'Give them different ones, e.g. "{gateway}-{bridge}".',
        );
      }
      sessions.set(session, bridge.name);
    });
  }
}

function checkMappings(bridge: BridgeConfig, gateway: string, path: Path, report: Report): void {
  const compile = (direction: 'out' | 'in'): Node[] =>
    bridge[direction].flatMap((entry, index) => {
      const place = [...path, direction, index];
      const mapping = attempt(place, report, () => new TopicMapping(entry.topic, entry.to, entry.qos, { gateway, bridge: bridge.name }));
      return mapping === null ? [] : [{ direction, path: place, mapping }];
    });
  const nodes = [...compile('out'), ...compile('in')];
  for (const loop of loopsOf(nodes)) {
    const names = loop.map(({ direction, mapping }) => `${direction} ${mapping.filter} -> ${mapping.template}`);
    report(
      loop[0]!.path,
      `What this mapping sends comes back: ${[...names, names[0]].join(', then ')}.`,
      'Keep what goes up and what comes down apart, e.g. in plants/x/data/# and plants/x/cmd/#.',
    );
  }
}

interface Node {
  direction: 'out' | 'in';
  path: Path;
  mapping: TopicMapping;
}

/** Mappings that feed one another: what one of them publishes matches the filter of the next, round to the first. */
function loopsOf(nodes: Node[]): Node[][] {
  const feeds = (from: Node, to: Node): boolean =>
    from.direction !== to.direction && patternsOverlap(from.mapping.image, to.mapping.filter.split('/'));
  const loops: Node[][] = [];
  const done = new Set<Node>();
  const visit = (node: Node, trail: Node[]): void => {
    const at = trail.indexOf(node);
    if (at !== -1) {
      loops.push(trail.slice(at));
      return;
    }
    if (done.has(node)) return;
    for (const next of nodes) if (feeds(node, next)) visit(next, [...trail, node]);
    done.add(node);
  };
  for (const node of nodes) visit(node, []);
  return loops;
}

/** Runs a check that throws FerruleErrors; their subject ('topic', 'to') completes the path. */
function attempt<T>(path: Path, report: Report, check: () => T): T | null {
  try {
    return check();
  } catch (error) {
    const subject = error instanceof FerruleError ? error.where?.subject : undefined;
    const full = subject === undefined || path.at(-1) === subject ? path : [...path, subject];
    report(full, messageOf(error), (error instanceof FerruleError ? error.hint : undefined) ?? '');
    return null;
  }
}
