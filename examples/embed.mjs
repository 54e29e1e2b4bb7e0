// A gateway inside a program of your own: it decides who comes in and who may do what, and takes and sends messages.
//
//   node examples/embed.mjs [MQTT port] [data directory]
//   mosquitto_pub -p 1883 -i press1 -u sensor -P secret -t sensors/press1/temperature -m 21.5 -q 1
import { configFrom, createGateway } from 'ferrule';

const [port = '1883', dataDir = 'data/embedded'] = process.argv.slice(2);

// What a configuration file would say. What is left out has its default; what is wrong throws, every fault at once.
const config = await configFrom({
  gateway: { id: 'embedded' },
  broker: { listeners: [{ type: 'tcp', host: '127.0.0.1', port: Number(port) }] },
  console: { host: '127.0.0.1', port: 0, tls: 'off' },
  log: { level: 'error' },
});
const gateway = createGateway({ config, dataDir });
const { broker } = gateway;

// The hooks of aedes. They are set before start(), so that no client comes in without them.
broker.authenticate = (_client, username, password, done) => {
  done(null, username === 'sensor' && password?.toString() === 'secret');
};
broker.authorizePublish = (client, packet, done) => {
  done(packet.topic.startsWith(`sensors/${client?.id}/`) ? null : new Error('a sensor publishes below its own name'));
};
broker.authorizeSubscribe = (client, subscription, done) => {
  done(null, subscription.topic === `answers/${client.id}` ? subscription : null);
};
broker.on('clientReady', (client) => console.log(`${client.id} is here`));

// Every message below sensors/ is printed and answered; the answer is safe when the callback comes.
broker.subscribe('sensors/#', (packet, done) => {
  console.log(`${packet.topic} = ${packet.payload}`);
  broker.publish({ topic: `answers/${packet.clientId}`, payload: `thanks for ${packet.payload}`, qos: 1 }, (error) => {
    if (error) console.error(`the answer was not taken: ${error.message}`);
  });
  done();
});

await gateway.start();
console.log(`listening on port ${gateway.addresses().mqtt[0]?.port}`);

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    await gateway.stop();
    console.log('stopped');
  });
}
