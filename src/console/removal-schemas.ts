/** The shapes of removing devices and buses, like api-schemas.ts. They mirror removals.ts. */
import { Type } from '../schema-types.js';
import { nullable, words } from './api-schemas.js';
import { checked, some } from './device-setup-schemas.js';

const text = Type.String();
const names = (description: string) => Type.Array(text, { description });

const Reference = Type.Object({
  kind: words(
    ['modbus_server', 'modbus_proxy', 'rule', 'bridge', 'access'],
    'modbus_server: serves its tags; modbus_proxy: passes requests on to it; access: a rule of who may do what.',
  ),
  name: Type.String({ description: 'Of the server, rule or bridge; of an access rule, the user.' }),
  by: Type.String({ description: 'The tag, unit, topic or filter by which it names what is removed.' }),
});

export const Removal = Type.Object(
  {
    file: Type.String({ description: 'Name of the file of the configuration.' }),
    changes: Type.Array(
      Type.Object({
        line: Type.Number({ description: 'From this line on, as the file is now, these lines ...' }),
        removed: names('... go ...'),
        added: names('... and these take their place (none: nothing does).'),
      }),
    ),
    tags: nullable(Type.Number(), 'Tags that the device has; null: a bus, or raw bytes.'),
    list: nullable(Type.String(), 'Name of its tag list, which stays beside the configuration; null: it has none.'),
    bus: Type.Object(
      {
        name: text,
        isRemoved: Type.Boolean({ description: 'It goes, too.' }),
        devices: names('Other devices on it.'),
        proxies: names('Modbus servers that pass requests on to it.'),
      },
      { description: 'The bus of the device, or the one that is removed.' },
    ),
    references: some(Reference, 'What else names it.'),
    ...checked,
  },
  { $id: 'Removal' },
);

export const REMOVAL_SCHEMAS = [Removal];
