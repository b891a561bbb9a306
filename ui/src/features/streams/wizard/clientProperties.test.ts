import { expect, it } from 'vitest';
import { readPasted } from './clientProperties';

it('reads a client.properties, and takes no password over', () => {
  const text = `# cluster
bootstrap.servers=a.example:9093,b.example:9093
security.protocol=SASL_SSL
sasl.mechanism=SCRAM-SHA-512
sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \\
  username="ana" password="hunter2";
ssl.ca.location=/etc/ca.pem`;
  const { found, hasPassword } = readPasted(text);
  expect(found).toEqual({ brokers: 'a.example:9093,b.example:9093', protocol: 'SASL_SSL', mechanism: 'SCRAM-SHA-512', username: 'ana', caFile: '/etc/ca.pem' });
  expect(hasPassword).toBe(true);
  expect(JSON.stringify(found)).not.toContain('hunter2');
});

it('reads lists and URLs of brokers', () => {
  expect(readPasted('kafka://a:9092/topic, [::1]:9092').found).toEqual({ brokers: 'a:9092,[::1]:9092' });
  expect(readPasted('just words').found).toEqual({});
});
