/**
 * Who may import whom. Names are files under src/ without their extension; `*` stands for a part of one name, `**` for
 * anything below a folder. To change a rule is to change the architecture: say why in the commit.
 */
export interface PartRule {
  /** The files that the rule is about; the first rule that names a file decides. */
  files: string[];
  /** What they may import, besides files of the same folder. */
  may: string[];
  rule: string;
}

/** What every part stands on. schema-types, config/units and config/types are the words that schema fragments are written in. */
const GROUND = ['errors', 'log', 'clock', 'paths', 'schema-types', 'config/units', 'config/types'];

export const PART_RULES: PartRule[] = [
  {
    files: GROUND,
    may: ['schema-types'],
    rule: 'errors, log, clock, paths, schema-types, config/units and config/types are the ground: they import nothing of ours but schema-types',
  },
  {
    files: ['mqtt/**'],
    may: ['errors', 'log', 'clock', 'paths'],
    rule: 'mqtt is the wire format, pure: it imports nothing above errors, log and clock',
  },
  { files: ['store/**'], may: ['mqtt/**', ...GROUND], rule: 'store imports the types of mqtt and the ground, nothing else' },
  {
    files: ['broker/**'],
    may: ['mqtt/**', 'store/types', ...GROUND],
    rule: "broker imports mqtt and the store's interface (store/types), never the store itself or another part",
  },
  {
    files: ['field/simulator/**'],
    may: ['mqtt/**', ...GROUND],
    rule: 'the simulator is the other side of the wire: it shares nothing with the field that reads it',
  },
  ...['field', 'rules', 'bridge', 'console'].map((part) => ({
    files: [`${part}/**`],
    may: ['mqtt/**', ...GROUND],
    rule: `${part} imports itself, mqtt and the ground; what it needs of other parts it declares as ports (${part}/ports.ts)`,
  })),
  { files: ['metrics/**'], may: ['mqtt/**', ...GROUND], rule: 'metrics imports itself and the ground' },
  {
    files: ['config/**'],
    may: ['*/schema', '*/check-config', 'field/profiles/schema', 'field/profiles/check-config', ...GROUND],
    rule: "config composes the modules' schema fragments (*/schema) and their checks (*/check-config), of device profiles too, and imports nothing else of theirs",
  },
  {
    files: ['gateway', 'gateway/**'],
    may: [
      'store/**',
      'broker/**',
      'field/**',
      'rules/**',
      'bridge/**',
      'console/**',
      'metrics/**',
      'discovery/**',
      'config/**',
      'mqtt/**',
      'system/**',
      'gateway/**',
      'sd-notify',
      ...GROUND,
    ],
    rule: 'gateway composes the parts; it knows nothing of the command line and of the simulator',
  },
  { files: ['discovery/**', 'system/**'], may: ['mqtt/**', ...GROUND], rule: 'discovery and system import themselves and the ground' },
  { files: ['sd-notify'], may: GROUND, rule: 'sd-notify speaks to systemd and stands on the ground alone' },
  { files: ['sd-notify'], may: ['errors', 'log', 'clock'], rule: 'sd-notify imports log and clock only' },
  { files: ['cli/**', 'main'], may: ['**'], rule: 'the command line may use everything' },
];

export interface ReservedRule {
  /** Files of ours that only some may import. */
  file: string;
  by: string[];
  rule: string;
}

export const RESERVED: ReservedRule[] = [
  {
    file: 'config/load',
    by: ['config/**', 'gateway', 'gateway/**', 'cli/**', 'main'],
    rule: 'no module imports config/load: its configuration is handed to it',
  },
  {
    file: 'field/simulator/**',
    by: ['field/simulator/**', 'cli/**'],
    rule: 'the simulator is for the demo and for tests: the field does not know it',
  },
  { file: 'gateway', by: ['cli/**', 'main'], rule: 'gateway is the composition root: only the command line imports it' },
  { file: 'main', by: [], rule: 'main is where the program starts: nobody imports it' },
];

export interface PackageRule {
  /** Package names; `@scope/*` for a scope. */
  packages: string[];
  by: string[];
  rule: string;
}

/** Marks the files that only the store's writer thread loads; the checker works out which they are. */
export const WRITER_ONLY = 'files that only store/writer-thread loads';

export const PACKAGE_RULES: PackageRule[] = [
  { packages: ['aedes'], by: ['broker/**'], rule: 'only src/broker imports aedes' },
  {
    packages: ['aedes-packet', 'aedes-persistence'],
    by: ['broker/**', 'store/persistence'],
    rule: "aedes' packets and persistence types belong to src/broker and src/store/persistence.ts",
  },
  {
    packages: ['better-sqlite3'],
    by: [WRITER_ONLY],
    rule: 'only the writer thread uses SQLite: better-sqlite3 is for files that only store/writer-thread.ts loads',
  },
  {
    packages: ['serialport', '@serialport/*', 'modbus-serial'],
    by: ['field/**'],
    rule: 'only src/field imports serialport and modbus-serial',
  },
  { packages: ['mqtt', 'mqtt-packet'], by: ['bridge/**'], rule: 'only src/bridge imports the mqtt client' },
  {
    packages: ['fastify', '@fastify/*', 'fastify-plugin', 'light-my-request'],
    by: ['console/**'],
    rule: 'only src/console imports fastify',
  },
  { packages: ['@peculiar/x509', 'reflect-metadata'], by: ['console/**'], rule: 'only src/console makes certificates' },
  { packages: ['prom-client'], by: ['metrics/**'], rule: 'only src/metrics imports prom-client' },
  { packages: ['ws'], by: ['broker/listeners/**'], rule: 'only src/broker/listeners imports ws' },
  { packages: ['pino'], by: ['log'], rule: 'only src/log.ts imports pino' },
  {
    packages: ['typebox'],
    by: ['schema-types'],
    rule: 'schemas are built with src/schema-types.ts, which gives the types of typebox without loading it',
  },
  { packages: ['ajv'], by: ['config/**', 'rules/**', 'console/**'], rule: 'ajv is for what comes from outside: config, rules, console' },
  { packages: ['yaml'], by: ['config/**', 'rules/**', 'cli/**'], rule: 'yaml is for files that people write: config, rules, cli' },
  { packages: ['jsep'], by: ['rules/**'], rule: 'only src/rules imports jsep' },
  {
    packages: ['re2js'],
    by: ['rules/**', 'field/**', 'config/**'],
    rule: "re2js is for people's regular expressions: rules, field, and config, which checks them",
  },
  { packages: ['bonjour-service'], by: ['discovery/**'], rule: 'only src/discovery imports bonjour-service' },
];

/** Codes that fell out of use; they stay in ERROR_CODES so that no other error ever gets their name. */
export const RETIRED_CODES: string[] = [];
