import assert from 'node:assert/strict';
import type { BridgeStatus, DeviceStatus, GatewayPort, PartStatus, RuleStatus } from '../../src/console/ports.js';
import type { GatewayProcess } from './gateway-process.js';

const ACCOUNT = { username: 'admin', password: 'a long enough one' };

export interface Overview {
  parts: PartStatus[];
  notices: ReturnType<GatewayPort['notices']>;
}

/** The HTTP API of a gateway, as a program of its administrator uses it. */
export class ApiClient {
  readonly #gateway: GatewayProcess;
  readonly #cookie: string;

  private constructor(gateway: GatewayProcess, cookie: string) {
    this.#gateway = gateway;
    this.#cookie = cookie;
  }

  /** Makes the administrator, with the setup code that the gateway printed. */
  static async claim(gateway: GatewayProcess): Promise<ApiClient> {
    const [, code] = await gateway.says(/enter the setup code (\S+)\.\n/);
    return ApiClient.#open(gateway, '/api/v1/setup/claim', { code, ...ACCOUNT });
  }

  /** Logs in at a gateway that was claimed with `claim`. */
  static async login(gateway: GatewayProcess): Promise<ApiClient> {
    return ApiClient.#open(gateway, '/api/v1/session', ACCOUNT);
  }

  static async #open(gateway: GatewayProcess, path: string, body: object): Promise<ApiClient> {
    const response = await fetch(`http://127.0.0.1:${gateway.consolePort}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    assert.equal(response.status, 201, await response.text());
    const [cookie = ''] = response.headers.getSetCookie();
    return new ApiClient(gateway, cookie.split(';')[0] ?? '');
  }

  overview(): Promise<Overview> {
    return this.#get('overview');
  }

  async part(name: string): Promise<PartStatus | undefined> {
    return (await this.overview()).parts.find((part) => part.name === name);
  }

  async devices(): Promise<{ name: string }[]> {
    return (await this.#get<{ devices: { name: string }[] }>('devices')).devices;
  }

  device(name: string): Promise<DeviceStatus> {
    return this.#get(`devices/${name}`);
  }

  async bridge(name: string): Promise<BridgeStatus | undefined> {
    const { bridges } = await this.#get<{ bridges: BridgeStatus[] }>('bridges');
    return bridges.find((bridge) => bridge.name === name);
  }

  async rules(): Promise<RuleStatus[]> {
    return (await this.#get<{ rules: RuleStatus[] }>('rules')).rules;
  }

  async #get<T>(path: string): Promise<T> {
    const response = await fetch(`http://127.0.0.1:${this.#gateway.consolePort}/api/v1/${path}`, { headers: { cookie: this.#cookie } });
    const text = await response.text();
    assert.equal(response.status, 200, `${path}: ${text}`);
    return JSON.parse(text) as T;
  }
}
