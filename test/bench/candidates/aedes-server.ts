/** Stock aedes as its README starts it: in-memory persistence, everything at its default. Argument: the port. */
import { createServer } from 'node:net';
import { Aedes } from 'aedes';

const port = Number(process.argv[2]);
const broker = await Aedes.createBroker();
const server = createServer(broker.handle);
server.listen(port, '127.0.0.1');
process.once('SIGTERM', () => process.exit(0));
