import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../../src/paths.js';
import { ferruleFieldWithLists } from '../field/ferrule-field.js';
import type { FieldJob } from '../field/job.js';
import { isSecure } from '../transport.js';
import type { Candidate, CandidateCommand, ExtraListener } from './candidate.js';

const LIMITS = '{max_queued_messages: 100000000, max_queued_bytes: 64GiB}';

/** The product as it is installed, durable and strict. @param nodeArgs further arguments of Node */
export function ferrule(nodeArgs: readonly string[]): Candidate {
  const root = packageRoot();
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const command = (port: number, folder: string, extra: ExtraListener | null, job: FieldJob | null): CandidateCommand => {
    const rules = join(folder, 'rules');
    mkdirSync(rules);
    const { field, files: lists } = ferruleFieldWithLists(job ?? { buses: [], periodMs: 1000 });
    const files = { 'ferrule.yaml': configuration(port, extra, rules, JSON.stringify(field)), ...lists };
    const config = join(folder, 'ferrule.yaml');
    const args = [...nodeArgs, join(root, 'dist', 'main.js'), 'start', '--config', config, '--data', join(folder, 'data')];
    return { command: process.execPath, args, files };
  };
  return {
    name: 'ferrule',
    settings: `ferrule ${version} on Node ${process.versions.node}; durability strict, allow_anonymous true, limits ${LIMITS}, console on, without TLS`,
    transports: ['tls', 'ws', 'wss'],
    command: (port, folder, extra) => command(port, folder, extra, null),
    field: (job, port, folder) => Promise.resolve(command(port, folder, null, job)),
  };
}

function configuration(port: number, extra: ExtraListener | null, rules: string, field: string): string {
  return [
    'gateway: {id: bench}',
    'broker:',
    `  listeners: [{type: tcp, host: 127.0.0.1, port: ${port}}${extra === null ? '' : `, ${listener(extra)}`}]`,
    '  allow_anonymous: true',
    '  durability: strict',
    `  limits: ${LIMITS}`,
    `field: ${field}`,
    'console: {host: 127.0.0.1, port: 0, tls: "off"}',
    `rules: {directory: ${rules}}`,
    'log: {level: warn}',
    '',
  ].join('\n');
}

function listener({ transport, port, cert, key }: ExtraListener): string {
  return `{type: ${transport}, host: 127.0.0.1, port: ${port}${isSecure(transport) ? `, cert: ${cert}, key: ${key}` : ''}}`;
}
