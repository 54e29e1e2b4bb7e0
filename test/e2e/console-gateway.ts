import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import type { DeviceStatus } from '../../src/console/ports.js';
import { createGateway, type Gateway, Loggers, loadConfig } from '../../src/gateway.js';
import { Visitor } from '../console/harness.js';
import { tempDir } from '../support/temp-dir.js';

export interface ConsoleGateway {
  gateway: Gateway;
  /** Its administrator. */
  visitor: Visitor;
  folder: string;
  /** Of its configuration. */
  file: string;
  /** Of a device, by tag; null: not good. */
  values(device: string): Promise<Record<string, unknown>>;
}

export interface ConsoleGatewayOptions {
  /** Files beside the configuration. */
  files?: Record<string, string>;
  /** false: the gateway is not told where its configuration is from. Default: true. */
  isFromFile?: boolean;
}

/** A claimed gateway in this process, whose `field` is given as YAML. */
export async function startConsoleGateway(t: TestContext, field: string, options: ConsoleGatewayOptions = {}): Promise<ConsoleGateway> {
  const folder = await tempDir(t);
  const file = join(folder, 'ferrule.yaml');
  for (const [name, content] of Object.entries(options.files ?? {})) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  const rest = 'broker: {listeners: []}\nconsole: {host: 127.0.0.1, port: 0, tls: "off"}\nlog: {level: silent}\n';
  await writeFile(file, `${rest}${field}`);
  const { config } = await loadConfig(file);
  let setupCode: string | null = null;
  const gateway = createGateway({
    config,
    ...(options.isFromFile === false ? {} : { configFile: { file, load: {} } }),
    dataDir: join(folder, 'data'),
    loggers: new Loggers(config.log),
    onSetupCode: (code) => {
      setupCode = code;
    },
  });
  t.after(() => gateway.stop());
  await gateway.start();
  const visitor = new Visitor(gateway.addresses().console ?? '');
  await visitor.claim(setupCode);
  const values = async (device: string): Promise<Record<string, unknown>> => {
    const { tags } = await visitor.json<DeviceStatus>(200, 'GET', `/devices/${device}`);
    return Object.fromEntries(tags.map((tag) => [tag.name, tag.quality === 'good' ? tag.value : null]));
  };
  return { gateway, visitor, folder, file, values };
}
