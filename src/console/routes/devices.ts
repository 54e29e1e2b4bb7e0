import { Type } from '../../schema-types.js';
import { Bus, Device, DeviceSummary, TagValue, TrendPoint } from '../api-schemas.js';
import { type App, answers, notFound, type RouteContext, ref } from '../http.js';
import type { DeviceStatus, TagStatus } from '../ports.js';
import { summaryOf } from '../summaries.js';
import { loginOf } from './session.js';

const Name = Type.String({ minLength: 1, maxLength: 256 });
const DeviceParams = Type.Object({ name: Name });
const TagParams = Type.Object({ name: Name, tag: Name });
const DEFAULT_SPAN_MS = 15 * 60_000;

export function deviceRoutes(app: App, context: RouteContext): void {
  const { field } = context.ports;

  app.get(
    '/devices',
    {
      config: { access: 'viewer' },
      schema: {
        operationId: 'listDevices',
        tags: ['field'],
        summary: 'The devices, without their tags.',
        response: answers({ 200: Type.Object({ devices: Type.Array(ref(DeviceSummary)) }) }),
      },
    },
    () => ({ devices: field.devices().map(summaryOf) }),
  );

  app.get(
    '/devices/:name',
    {
      config: { access: 'viewer' },
      schema: {
        operationId: 'getDevice',
        tags: ['field'],
        summary: 'A device with its tags.',
        params: DeviceParams,
        response: answers({ 200: ref(Device) }),
      },
    },
    (request) => deviceOf(request.params.name, context),
  );

  app.get(
    '/devices/:name/tags/:tag/trend',
    {
      config: { access: 'viewer' },
      schema: {
        operationId: 'getTrend',
        tags: ['field'],
        summary: 'Recent samples of a numeric tag, oldest first.',
        params: TagParams,
        querystring: Type.Object(
          {
            from: Type.Optional(Type.Number({ minimum: 0, description: 'ms since the epoch; default: 15 minutes before `to`.' })),
            to: Type.Optional(Type.Number({ minimum: 0, description: 'ms since the epoch; default: now.' })),
            points: Type.Optional(Type.Integer({ minimum: 2, maximum: 5000, default: 500, description: 'At most so many points.' })),
          },
          { additionalProperties: false },
        ),
        response: answers({ 200: Type.Object({ from: Type.Number(), to: Type.Number(), points: Type.Array(ref(TrendPoint)) }) }),
      },
    },
    (request) => {
      const { name, tag } = request.params;
      tagOf(name, tag, context);
      const to = request.query.to ?? context.clock.now();
      const from = request.query.from ?? to - DEFAULT_SPAN_MS;
      return { from, to, points: field.trend(name, tag, from, to, request.query.points ?? 500) };
    },
  );

  app.put(
    '/devices/:name/tags/:tag',
    {
      config: { access: 'operator' },
      schema: {
        operationId: 'writeTag',
        tags: ['field'],
        summary: 'Write a value into the device; answers when the device has taken it.',
        params: TagParams,
        body: Type.Object({ value: TagValue }, { additionalProperties: false }),
        response: answers({ 200: Type.Object({ value: TagValue }) }),
      },
    },
    async (request) => {
      const { name, tag } = request.params;
      tagOf(name, tag, context);
      const { username } = loginOf(request);
      const { value } = await field.write(name, tag, request.body.value, `console user ${username}`);
      return { value };
    },
  );

  app.get(
    '/buses',
    {
      config: { access: 'viewer' },
      schema: {
        operationId: 'listBuses',
        tags: ['field'],
        summary: 'The field buses; or the one that has a serial port of this machine, or a host.',
        querystring: Type.Object(
          {
            port: Type.Optional(Type.String({ minLength: 1, maxLength: 4096, description: 'Serial port, under any of its names.' })),
            host: Type.Optional(Type.String({ minLength: 1, maxLength: 253, description: 'Host, with `tcpPort`.' })),
            tcpPort: Type.Optional(Type.Integer({ minimum: 1, maximum: 65535, default: 502 })),
          },
          { additionalProperties: false },
        ),
        response: answers({ 200: Type.Object({ buses: Type.Array(ref(Bus)) }) }),
      },
    },
    async (request) => {
      const { port, host, tcpPort = 502 } = request.query;
      const buses = field.buses();
      if (port === undefined && host === undefined) return { buses };
      const name = await field.tools.busOf(port !== undefined ? { kind: 'line', port } : { kind: 'host', host: host ?? '', port: tcpPort });
      return { buses: buses.filter((bus) => bus.name === name) };
    },
  );
}

function deviceOf(name: string, context: RouteContext): DeviceStatus {
  const device = context.ports.field.device(name);
  if (device === null) throw notFound(`There is no device ${JSON.stringify(name)}.`, name);
  return device;
}

function tagOf(name: string, tag: string, context: RouteContext): TagStatus {
  const found = deviceOf(name, context).tags.find((each) => each.name === tag);
  if (found === undefined) throw notFound(`The device ${JSON.stringify(name)} has no tag ${JSON.stringify(tag)}.`, `${name}/${tag}`);
  return found;
}
