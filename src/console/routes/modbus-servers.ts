import { Type } from '../../schema-types.js';
import { type App, answers, type RouteContext, ref } from '../http.js';
import { ModbusProxy, ModbusServer } from '../modbus-server-schemas.js';

export function modbusServerRoutes(app: App, context: RouteContext): void {
  const { field } = context.ports;

  app.get(
    '/modbus-servers',
    {
      config: { access: 'viewer' },
      schema: {
        operationId: 'listModbusServers',
        tags: ['field'],
        summary: 'Modbus servers for other masters, and what these got from each bus.',
        response: answers({ 200: Type.Object({ servers: Type.Array(ref(ModbusServer)), proxies: Type.Array(ref(ModbusProxy)) }) }),
      },
    },
    () => ({ servers: field.modbusServers(), proxies: field.modbusProxies() }),
  );
}
