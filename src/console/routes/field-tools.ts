import { FerruleError } from '../../errors.js';
import { Type } from '../../schema-types.js';
import { TagValue } from '../api-schemas.js';
import { startEvents } from '../event-stream.js';
import { AreaWord, Explored, ReadPlan, RegisterWriteBody, UnitStatistics } from '../field-tools-schemas.js';
import { type App, answers, Nothing, notFound, type RouteContext, ref } from '../http.js';
import { loginOf } from './session.js';

const Name = Type.String({ minLength: 1, maxLength: 256 });
const Params = Type.Object({ name: Name });

export function fieldToolRoutes(app: App, context: RouteContext): void {
  const { tools } = context.ports.field;

  app.get(
    '/buses/:name/frames',
    {
      config: { access: 'viewer' },
      schema: {
        operationId: 'followFrames',
        tags: ['field'],
        summary: 'Follow the frames of a bus, decoded, as server-sent events.',
        params: Params,
        produces: ['text/event-stream'],
        response: answers({ 200: Type.String({ description: 'Events: see docs/api.md.' }) }),
      },
    },
    (request, reply) => {
      const { name } = request.params;
      context.traces.start(
        loginOf(request).id,
        'frame',
        ({ item, leftOut }) => tools.monitor(name, { frame: item, leftOut }),
        () => startEvents(reply),
      );
    },
  );

  app.get(
    '/buses/:name/units',
    {
      config: { access: 'viewer' },
      schema: {
        operationId: 'listUnits',
        tags: ['field'],
        summary: 'Statistics of the units of a Modbus bus, since it was started.',
        params: Params,
        response: answers({ 200: Type.Object({ units: Type.Array(ref(UnitStatistics)) }) }),
      },
    },
    (request) => ({ units: tools.units(request.params.name) }),
  );

  app.get(
    '/buses/:name/registers',
    {
      config: { access: 'operator' },
      schema: {
        operationId: 'exploreRegisters',
        tags: ['field'],
        summary: 'Read a range of a unit once, and show what it means in every type and order.',
        params: Params,
        querystring: Type.Object(
          {
            unit: Type.Integer({ minimum: 0, maximum: 255 }),
            area: AreaWord,
            address: Type.Integer({ minimum: 0, maximum: 65535, description: '0-based.' }),
            count: Type.Optional(
              Type.Integer({ minimum: 1, maximum: 2000, default: 10, description: 'Registers (up to 125) or bits (up to 2000).' }),
            ),
          },
          { additionalProperties: false },
        ),
        response: answers({ 200: ref(Explored) }),
      },
    },
    async (request) => {
      const { unit, area, address, count = 10 } = request.query;
      const explored = await tools.explore(request.params.name, { unit, area, address, count });
      return { ...explored, orders: Object.fromEntries(Object.entries(explored.orders).map(([length, orders]) => [length, [...orders]])) };
    },
  );

  app.post(
    '/buses/:name/registers',
    {
      config: { access: 'administrator' },
      schema: {
        operationId: 'writeRegister',
        tags: ['field'],
        summary: 'Write one value of a unit where there is no tag, and read it back. No limits of a tag hold it up.',
        params: Params,
        body: RegisterWriteBody,
        response: answers({ 200: Type.Object({ written: TagValue }) }),
      },
    },
    async (request) => {
      const { name } = request.params;
      const { username } = loginOf(request);
      // Before it is sent: one that is not confirmed may have been carried out.
      context.log.info({ username, bus: name, ...request.body }, 'a register is written from the console');
      return { written: await tools.writeRegister(name, request.body) };
    },
  );

  app.post(
    '/buses/:name/send',
    {
      config: { access: 'operator' },
      schema: {
        operationId: 'sendBytes',
        tags: ['field'],
        summary: 'Send bytes on a serial bus by hand. Its instrument hears nothing until 3 s after: its values are bad meanwhile.',
        params: Params,
        body: Type.Object(
          {
            hex: Type.String({ minLength: 2, maxLength: 2048, pattern: '^([0-9a-fA-F]{2})+$', description: 'The bytes, two digits each.' }),
          },
          { additionalProperties: false },
        ),
        response: answers({ 204: Nothing }),
      },
    },
    async (request, reply) => {
      const { name } = request.params;
      const { hex } = request.body;
      tools.send(name, Buffer.from(hex, 'hex'));
      context.log.info({ username: loginOf(request).username, bus: name, hex }, 'bytes were sent on a serial bus from the console');
      return reply.status(204).send(null);
    },
  );

  app.get(
    '/devices/:name/plan',
    {
      config: { access: 'viewer' },
      schema: {
        operationId: 'getReadPlan',
        tags: ['field'],
        summary: 'What is read of a Modbus device in each scan class, and what it costs.',
        params: Params,
        response: answers({ 200: Type.Object({ scans: Type.Array(ref(ReadPlan)) }) }),
      },
    },
    (request) => {
      const { name } = request.params;
      const scans = tools.plan(name);
      if (scans !== null) return { scans };
      if (context.ports.field.device(name) === null) throw notFound(`There is no device ${JSON.stringify(name)}.`, name);
      throw new FerruleError('FER_CONSOLE_NOT_FOUND', `${name} is an instrument: nothing is planned for it.`, { where: { subject: name } });
    },
  );
}
