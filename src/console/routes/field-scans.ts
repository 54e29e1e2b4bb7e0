import { FerruleError } from '../../errors.js';
import { type Static, Type } from '../../schema-types.js';
import { roleAllows } from '../accounts.js';
import type { ScanWhere } from '../field-tools.js';
import { Scan, ScanBody, SerialPort } from '../field-tools-schemas.js';
import { type App, answers, Nothing, notFound, type RouteContext, ref } from '../http.js';
import { loginOf } from './session.js';

const Params = Type.Object({ id: Type.String({ minLength: 1, maxLength: 64 }) });

/** Scans for units: long work that runs in the gateway, whoever looks. */
export function fieldScanRoutes(app: App, context: RouteContext): void {
  const { tools } = context.ports.field;

  app.get(
    '/serial-ports',
    {
      config: { access: 'operator' },
      schema: {
        operationId: 'listSerialPorts',
        tags: ['field'],
        summary: 'The serial ports of this machine.',
        response: answers({ 200: Type.Object({ ports: Type.Array(ref(SerialPort)) }) }),
      },
    },
    async () => ({ ports: await tools.ports() }),
  );

  app.get(
    '/scans',
    {
      config: { access: 'viewer' },
      schema: {
        operationId: 'listScans',
        tags: ['field'],
        summary: 'The scans for units that run, and the last that ended; newest first.',
        response: answers({ 200: Type.Object({ scans: Type.Array(ref(Scan)) }) }),
      },
    },
    async () => ({ scans: await tools.scans() }),
  );

  app.get(
    '/scans/:id',
    {
      config: { access: 'viewer' },
      schema: { operationId: 'getScan', tags: ['field'], summary: 'A scan.', params: Params, response: answers({ 200: ref(Scan) }) },
    },
    async (request) => {
      const { id } = request.params;
      const scan = (await tools.scans()).find((each) => each.id === id);
      if (scan === undefined) throw notFound('There is no such scan.', id);
      return scan;
    },
  );

  app.post(
    '/scans',
    {
      config: { access: 'operator' },
      schema: {
        operationId: 'startScan',
        tags: ['field'],
        summary: 'Look for units on a bus, a serial port or a host.',
        body: ScanBody,
        response: answers({ 202: ref(Scan) }),
      },
    },
    async (request, reply) => {
      const { username, role } = loginOf(request);
      const { where: asked, units, timeoutMs = null, identifies, isExhaustive } = request.body;
      const where = whereOf(asked);
      const reachesOut = where.kind !== 'bus' || where.suspend;
      if (reachesOut && !roleAllows(role, 'administrator')) {
        throw new FerruleError('FER_CONSOLE_FORBIDDEN', `This needs the role administrator; yours is ${role}.`, {
          hint: 'Operators may scan a bus that is configured, between its own requests.',
        });
      }
      const scan = await tools.scan({ where, units, timeoutMs, identifies, isExhaustive });
      context.log.info({ username, where, units: units.length }, 'a scan for units was started from the console');
      return reply.status(202).send(scan);
    },
  );

  app.delete(
    '/scans/:id',
    {
      config: { access: 'operator' },
      schema: {
        operationId: 'cancelScan',
        tags: ['field'],
        summary: 'Cancel a scan; what it found stays.',
        params: Params,
        response: answers({ 204: Nothing }),
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      if (!(await tools.cancelScan(id))) throw notFound('There is no such scan.', id);
      context.log.info({ username: loginOf(request).username, scan: id }, 'a scan for units was cancelled from the console');
      return reply.status(204).send(null);
    },
  );
}

/** With what the API leaves out. */
function whereOf(asked: Static<typeof ScanBody>['where']): ScanWhere {
  switch (asked.kind) {
    case 'bus':
      return { ...asked, suspend: asked.suspend ?? false, line: asked.line ?? null };
    case 'line':
      return { ...asked, framing: asked.framing ?? 'rtu' };
    case 'host':
      return asked;
  }
}
