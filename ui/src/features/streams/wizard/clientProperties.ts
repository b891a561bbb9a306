/** Fills the form from what people already have: a `client.properties`, a URL, or a list of brokers. */

import type { KafkaDraft } from './draft';

/** What a pasted text says about a cluster. Passwords are not taken over: Helios keeps only the names of secrets. */
export function readPasted(text: string): { found: Partial<KafkaDraft>; hasPassword: boolean } {
  const properties = propertiesIn(text);
  const brokers = properties.get('bootstrap.servers') ?? properties.get('metadata.broker.list') ?? brokersIn(text);
  const jaas = properties.get('sasl.jaas.config') ?? '';
  const username = properties.get('sasl.username') ?? /username\s*=\s*"([^"]*)"/.exec(jaas)?.[1];
  const protocol = properties.get('security.protocol')?.toUpperCase();
  const mechanism = (properties.get('sasl.mechanism') ?? properties.get('sasl.mechanisms'))?.toUpperCase();
  const caFile = properties.get('ssl.ca.location');
  const found: Partial<KafkaDraft> = {};
  if (brokers !== undefined) found.brokers = brokers;
  if (isOneOf(protocol, ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'])) found.protocol = protocol;
  if (isOneOf(mechanism, ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'])) found.mechanism = mechanism;
  if (username !== undefined) found.username = username;
  if (caFile !== undefined) found.caFile = caFile;
  return { found, hasPassword: properties.has('sasl.password') || /password\s*=\s*"/.test(jaas) };
}

function propertiesIn(text: string): Map<string, string> {
  const found = new Map<string, string>();
  // A backslash at the end of a line continues it, as in Java's own files.
  for (const line of text.replace(/\\\r?\n\s*/g, ' ').split(/\r?\n/)) {
    const pair = /^\s*([A-Za-z0-9._-]+)\s*[=:]\s*(.*?)\s*$/.exec(line);
    if (pair?.[1] !== undefined && pair[2] !== undefined && !line.trim().startsWith('#') && pair[1].includes('.')) found.set(pair[1].toLowerCase(), pair[2].replace(/^["'](.*)["']$/, '$1'));
  }
  return found;
}

/** Every `host:port` of a list or a URL, without its scheme. */
function brokersIn(text: string): string | undefined {
  const [line = ''] = text.trim().split(/\r?\n/);
  const brokers = line
    .split(',')
    .map((part) => part.trim().replace(/^[a-z+_]+:\/\//i, '').replace(/\/.*$/, ''))
    .filter((part) => /^(\[[0-9a-f:]+\]|[\w.-]+):\d{1,5}$/i.test(part));
  return brokers.length > 0 ? brokers.join(',') : undefined;
}

function isOneOf<const Words extends readonly string[]>(word: string | undefined, words: Words): word is Words[number] {
  return word !== undefined && words.includes(word);
}
