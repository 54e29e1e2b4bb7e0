import type { FastifyRequest } from 'fastify';
import { FerruleError } from '../../errors.js';
import { type Static, Type } from '../../schema-types.js';
import { roleAllows } from '../accounts.js';
import type { NewDevice, UnitWhere } from '../device-setup.js';
import {
  BrokenProfile,
  Identified,
  NewDeviceBody,
  NewDevicePreview,
  NewInstrumentBody,
  Profile,
  ProfileSummary,
  SunSpec,
  UnitBody,
} from '../device-setup-schemas.js';
import { givenListOf } from '../given-list.js';
import { type App, answers, notFound, type RouteContext, ref } from '../http.js';
import { loginOf } from './session.js';

/** Tag lists of 50 000 tags, and what JSON adds. */
const LIST_LIMIT = 20 * 1024 * 1024;

/** What a device is, and adding it. */
export function deviceSetupRoutes(app: App, context: RouteContext): void {
  const { deviceSetup, field } = context.ports;

  app.get(
    '/profiles',
    {
      config: { access: 'viewer' },
      schema: {
        operationId: 'listProfiles',
        tags: ['field'],
        summary: 'The device profiles that there are.',
        response: answers({ 200: Type.Object({ profiles: Type.Array(ref(ProfileSummary)), broken: Type.Array(ref(BrokenProfile)) }) }),
      },
    },
    () => deviceSetup.profiles(),
  );

  app.get(
    '/profiles/:name',
    {
      config: { access: 'viewer' },
      schema: {
        operationId: 'getProfile',
        tags: ['field'],
        summary: 'A device profile with its tags and sources.',
        params: Type.Object({ name: Type.String({ minLength: 1, maxLength: 256 }) }),
        response: answers({ 200: ref(Profile) }),
      },
    },
    async (request) => {
      const { name } = request.params;
      const found = await deviceSetup.profile(name);
      if (found === null) throw notFound(`There is no profile ${JSON.stringify(name)}.`, name);
      return found;
    },
  );

  app.post(
    '/identify',
    {
      config: { access: 'operator' },
      schema: {
        operationId: 'identifyUnit',
        tags: ['field'],
        summary: 'Ask a unit what it is: its identification (function 43/14) and the profiles that fit. Only reads.',
        body: UnitBody,
        response: answers({ 200: ref(Identified) }),
      },
    },
    async (request) => {
      const { where, unit } = request.body;
      mayReach(request, where);
      return deviceSetup.identify(where, unit);
    },
  );

  app.post(
    '/sunspec',
    {
      config: { access: 'operator' },
      schema: {
        operationId: 'discoverSunSpec',
        tags: ['field'],
        summary: 'Find the SunSpec models of a unit and the tags that they are, with their values now. Only reads.',
        body: UnitBody,
        response: answers({ 200: ref(SunSpec) }),
      },
    },
    async (request) => {
      const { where, unit } = request.body;
      mayReach(request, where);
      return field.tools.sunspec(where, unit);
    },
  );

  app.post(
    '/devices/preview',
    {
      config: { access: 'administrator' },
      bodyLimit: LIST_LIMIT,
      schema: {
        operationId: 'previewDevice',
        tags: ['field'],
        summary: 'What adding a device would write, and everything that is wrong with it. Nothing is changed.',
        body: NewDeviceBody,
        response: answers({ 200: ref(NewDevicePreview) }),
      },
    },
    async (request) => deviceSetup.preview(deviceOf(request.body)),
  );

  app.post(
    '/devices',
    {
      config: { access: 'administrator' },
      bodyLimit: LIST_LIMIT,
      schema: {
        operationId: 'addDevice',
        tags: ['field'],
        summary: 'Add a Modbus device to the configuration; checked with the whole of it, written and taken over at once.',
        body: NewDeviceBody,
        response: answers({ 201: Type.Object({ name: Type.String(), tags: Type.Integer({ description: 'Tags of the device.' }) }) }),
      },
    },
    async (request, reply) => {
      const device = deviceOf(request.body);
      const { name, bus, newBus, unit } = device;
      const tags = await deviceSetup.add(device);
      context.log.info(
        { username: loginOf(request).username, device: name, bus, newBus, unit, tags },
        'a device was added from the console',
      );
      return reply.status(201).send({ name, tags });
    },
  );

  app.post(
    '/instruments/preview',
    {
      config: { access: 'administrator' },
      schema: {
        operationId: 'previewInstrument',
        tags: ['field'],
        summary: 'What adding a serial instrument would write, and everything that is wrong with it. Nothing is changed.',
        body: NewInstrumentBody,
        response: answers({ 200: ref(NewDevicePreview) }),
      },
    },
    async ({ body }) => deviceSetup.previewInstrument({ ...body, newBus: body.newBus ?? null }),
  );

  app.post(
    '/instruments',
    {
      config: { access: 'administrator' },
      schema: {
        operationId: 'addInstrument',
        tags: ['field'],
        summary: 'Add a serial instrument to the configuration; checked with the whole of it, written and taken over at once.',
        body: NewInstrumentBody,
        response: answers({ 201: Type.Object({ name: Type.String(), tags: Type.Integer({ description: 'Its tags.' }) }) }),
      },
    },
    async (request, reply) => {
      const { name, bus, newBus = null, settings } = request.body;
      const tags = await deviceSetup.addInstrument({ name, bus, newBus, settings });
      context.log.info(
        { username: loginOf(request).username, device: name, bus, newBus, tags },
        'an instrument was added from the console',
      );
      return reply.status(201).send({ name, tags });
    },
  );

  /** Who asks where no bus is makes the gateway connect to wherever they say. */
  function mayReach(request: FastifyRequest, where: UnitWhere): void {
    const { username, role } = loginOf(request);
    if (where.kind === 'bus') return;
    if (!roleAllows(role, 'administrator')) {
      throw new FerruleError('FER_CONSOLE_FORBIDDEN', `This needs the role administrator; yours is ${role}.`, {
        hint: 'Operators may ask units of a bus that is configured.',
      });
    }
    context.log.info({ username, where }, 'a host or port was asked what is there, from the console');
  }
}

function deviceOf({ name, bus, newBus = undefined, unit, tags }: Static<typeof NewDeviceBody>): NewDevice {
  const rest = { name, bus, newBus: newBus ?? null, unit };
  switch (tags.kind) {
    case 'profile':
      return { ...rest, tags: { kind: 'profile', profile: tags.profile, only: tags.only ?? null } };
    case 'tags':
      return { ...rest, tags: { kind: 'tags', tags: tags.tags, scan: tags.scan ?? null } };
    case 'list':
      return { ...rest, tags: { kind: 'list', ...givenListOf(tags) } };
  }
}
