import { join } from 'node:path';
import type { Option } from './command.js';

export const CONFIG_OPTION: Option = {
  type: 'string',
  short: 'c',
  value: 'FILE',
  help: 'Configuration. Default: ferrule.yaml in $CONFIGURATION_DIRECTORY (systemd) or /etc/ferrule.',
};

export const DATA_OPTION: Option = {
  type: 'string',
  short: 'd',
  value: 'DIR',
  help: 'Folder for databases. Default: $STATE_DIRECTORY (systemd) or /var/lib/ferrule.',
};

export function configFile(given: string | undefined, env: NodeJS.ProcessEnv): string {
  return given ?? join(firstOf(env.CONFIGURATION_DIRECTORY) ?? '/etc/ferrule', 'ferrule.yaml');
}

export function dataDirectory(given: string | undefined, env: NodeJS.ProcessEnv): string {
  return given ?? firstOf(env.STATE_DIRECTORY) ?? '/var/lib/ferrule';
}

/** systemd lists several directories with colons. */
function firstOf(list: string | undefined): string | undefined {
  const [first] = (list ?? '').split(':');
  return first === '' ? undefined : first;
}
