import { FilePath } from '../config/types.js';
import { type Static, Type } from '../schema-types.js';

/** `console:` of the configuration. */
export const ConsoleSettingsSchema = Type.Object(
  {
    host: Type.String({
      default: '::',
      minLength: 1,
      description: 'Address that the web console listens on; `::` is every address, IPv4 too.',
    }),
    port: Type.Integer({ default: 8080, minimum: 0, maximum: 65535, description: 'Port of the web console; 0 takes any free one.' }),
    tls: Type.Union(
      [
        Type.Literal('auto', { description: 'HTTPS with a certificate that the gateway makes and renews itself.' }),
        Type.Literal('off', { description: 'Plain HTTP.' }),
        Type.Object(
          {
            cert: FilePath({ description: 'File with the certificate chain, PEM.' }),
            key: FilePath({ description: 'File with the private key, PEM.' }),
          },
          { additionalProperties: false },
        ),
      ],
      { default: 'auto', description: '`auto` (own certificate), `off` (plain HTTP) or `{cert: FILE, key: FILE}`.' },
    ),
  },
  { additionalProperties: false, default: {}, description: 'The web console and its HTTP API.' },
);

export type ConsoleSettings = Static<typeof ConsoleSettingsSchema>;

/** `metrics:` of the configuration. */
export const MetricsSettingsSchema = Type.Object(
  {
    enabled: Type.Boolean({
      default: true,
      description: 'Serve /metrics for Prometheus on the web console, without a login. It names devices, bridges and rules, never values.',
    }),
  },
  { additionalProperties: false, default: {}, description: 'Metrics for Prometheus.' },
);

export type MetricsSettings = Static<typeof MetricsSettingsSchema>;
