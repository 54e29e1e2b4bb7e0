import { FerruleError } from '../../errors.js';
import { parseShared, validateFilter, validateTopicName } from '../../mqtt/topics.js';
import { Type } from '../../schema-types.js';
import { TopicList } from '../api-schemas.js';
import { type App, answers, Nothing, type RouteContext, ref } from '../http.js';
import { loginOf } from './session.js';

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

export function topicRoutes(app: App, context: RouteContext): void {
  app.get(
    '/topics',
    {
      config: { access: 'viewer' },
      schema: {
        operationId: 'listTopics',
        tags: ['topics'],
        summary: 'Topics with their last values: what is retained, and what was published while someone watched.',
        querystring: Type.Object(
          {
            filter: Type.Optional(Type.String({ maxLength: 1024, default: '#', description: 'MQTT topic filter.' })),
            limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 5000, default: 1000 })),
          },
          { additionalProperties: false },
        ),
        response: answers({ 200: ref(TopicList) }),
      },
    },
    (request) => {
      const { filter = '#', limit = 1000 } = request.query;
      const fault = parseShared(filter) === null ? validateFilter(filter) : 'is a shared subscription';
      if (fault !== null) throw invalid('querystring/filter', fault);
      return context.topics.list(filter, limit);
    },
  );

  app.post(
    '/topics/publish',
    {
      config: { access: 'operator' },
      schema: {
        operationId: 'publish',
        tags: ['topics'],
        summary: 'Publish a message; answers when it is safe.',
        body: Type.Object(
          {
            topic: Type.String({ minLength: 1, maxLength: 65_535 }),
            payload: Type.String({ description: 'Empty with `retain` clears what is retained.' }),
            encoding: Type.Optional(Type.Unsafe<'text' | 'base64'>({ type: 'string', enum: ['text', 'base64'], default: 'text' })),
            qos: Type.Optional(Type.Unsafe<0 | 1 | 2>({ type: 'integer', enum: [0, 1, 2], default: 0 })),
            retain: Type.Optional(Type.Boolean({ default: false })),
          },
          { additionalProperties: false },
        ),
        response: answers({ 204: Nothing }),
      },
    },
    async (request, reply) => {
      const { topic, payload, encoding = 'text', qos = 0, retain = false } = request.body;
      const fault = validateTopicName(topic);
      if (fault !== null) throw invalid('body/topic', fault);
      if (encoding === 'base64' && !BASE64.test(payload)) throw invalid('body/payload', 'is not base64');
      const bytes = Buffer.from(payload, encoding === 'base64' ? 'base64' : 'utf8');
      await context.ports.messaging.publish({ topic, payload: bytes, qos, retain, properties: null });
      context.log.info(
        { username: loginOf(request).username, topic, size: bytes.length, qos, retain },
        'a message was published from the console',
      );
      return reply.status(204).send(null);
    },
  );
}

function invalid(subject: string, fault: string): FerruleError {
  return new FerruleError('FER_CONSOLE_INVALID', `${subject} ${fault}.`, { where: { subject } });
}
