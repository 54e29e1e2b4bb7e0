import { Type } from '../../schema-types.js';
import { givenList, TagListPreview } from '../device-setup-schemas.js';
import { givenListOf } from '../given-list.js';
import { type App, answers, notFound, type RouteContext, ref } from '../http.js';
import { loginOf } from './session.js';

/** Lists of 50 000 tags, and what JSON adds. */
const LIST_LIMIT = 20 * 1024 * 1024;
const ListBody = Type.Object(givenList, { additionalProperties: false });
const DeviceParams = Type.Object({ name: Type.String({ minLength: 1, maxLength: 256 }) });

export function tagListRoutes(app: App, context: RouteContext): void {
  const { tagLists } = context.ports;

  app.get(
    '/devices/:name/tag-list',
    {
      config: { access: 'viewer' },
      schema: {
        operationId: 'getTagList',
        tags: ['field'],
        summary: 'The tags of a Modbus device as CSV: its `tags_file`, or what it would be.',
        params: DeviceParams,
        response: answers({
          200: Type.Object({
            file: Type.Union([Type.String(), Type.Null()], { description: 'Name of the file; null: the device has no list of its own.' }),
            csv: Type.String(),
          }),
        }),
      },
    },
    async (request) => {
      const { name } = request.params;
      return (await tagLists.read(name)) ?? notThere(name);
    },
  );

  app.post(
    '/devices/:name/tag-list/preview',
    {
      config: { access: 'administrator' },
      bodyLimit: LIST_LIMIT,
      schema: {
        operationId: 'previewTagList',
        tags: ['field'],
        summary: 'What a tag list would change, and everything that is wrong with it. Nothing is changed.',
        params: DeviceParams,
        body: ListBody,
        response: answers({ 200: ref(TagListPreview) }),
      },
    },
    async (request) => {
      const { name } = request.params;
      return (await tagLists.preview(name, givenListOf(request.body))) ?? notThere(name);
    },
  );

  app.put(
    '/devices/:name/tag-list',
    {
      config: { access: 'administrator' },
      bodyLimit: LIST_LIMIT,
      schema: {
        operationId: 'putTagList',
        tags: ['field'],
        summary:
          'Replace the `tags_file` of a Modbus device, or give it one in the place of its `tags`; checked with the whole configuration and taken over at once.',
        params: DeviceParams,
        body: ListBody,
        response: answers({
          200: Type.Object({ tags: Type.Integer({ description: 'Tags of the device, with those that are not from the list.' }) }),
        }),
      },
    },
    async (request) => {
      const { name } = request.params;
      const tags = (await tagLists.replace(name, givenListOf(request.body))) ?? notThere(name);
      context.log.info(
        { username: loginOf(request).username, device: name, tags, from: request.body.from?.format },
        'the tag list of a device was replaced from the console',
      );
      return { tags };
    },
  );
}

function notThere(name: string): never {
  throw notFound(`There is no Modbus device ${JSON.stringify(name)}.`, name);
}
