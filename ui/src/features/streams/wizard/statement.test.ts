import { describe, expect, it } from 'vitest';
import { emptyDraft, type Draft, type DraftColumn } from './draft';
import { cliLine, curlLine, statementOf } from './statement';

const column = (name: string, type: string, part: Partial<DraftColumn> = {}): DraftColumn => ({ path: name, name, type, isRequired: false, isKept: true, seen: 1, why: '', examples: [], ...part });

const orders = (part: Partial<Draft> = {}): Draft => ({
  ...emptyDraft(),
  source: 'kafka',
  name: 'orders',
  kafka: { ...emptyDraft().kafka, brokers: 'localhost:9092', topic: "it's" },
  ...part,
});

describe('the statement of a Kafka stream', () => {
  it('has only what was said', () => {
    expect(statementOf(orders())).toBe("CREATE STREAM orders\n  FROM KAFKA (brokers = 'localhost:9092', topic = 'it''s');");
  });

  it('names secrets and never holds one', () => {
    const kafka = { ...orders().kafka, protocol: 'SASL_SSL', mechanism: 'SCRAM-SHA-512', username: 'ana', password: { kind: 'env', name: 'KAFKA_PASSWORD' }, caFile: '/etc/ca.pem' } as const;
    expect(statementOf(orders({ kafka }))).toContain(
      "security_protocol = 'SASL_SSL', sasl_mechanism = 'SCRAM-SHA-512', sasl_username = 'ana', sasl_password = ENV 'KAFKA_PASSWORD', ssl_ca_location = '/etc/ca.pem'",
    );
  });

  it('has the columns that were kept, and clauses for those only', () => {
    const draft = orders({
      format: 'json',
      columns: [column('id', 'BIGINT', { isRequired: true }), column('ts', 'TIMESTAMP'), column('Order', 'TEXT'), column('gone', 'TEXT', { isKept: false })],
      eventTime: 'ts',
      lateness: '5 minutes',
      key: ['id', 'gone'],
      keyWithin: '',
      partitionUnit: 'day',
      orderBy: ['Order', 'ts'],
      retain: '30 days',
    });
    expect(statementOf(draft)).toBe(
      `CREATE STREAM orders (
  id BIGINT NOT NULL,
  ts TIMESTAMP,
  "Order" TEXT
)
  FROM KAFKA (brokers = 'localhost:9092', topic = 'it''s')
  FORMAT JSON
  EVENT TIME ts ALLOW LATENESS INTERVAL '5 minutes'
  DEDUPLICATE BY (id) WITHIN INTERVAL '1 day'
  PARTITION BY day(ts)
  ORDER BY ("Order", ts)
  RETAIN INTERVAL '30 days';`,
    );
    expect(statementOf({ ...draft, eventTime: 'gone', key: ['gone'], orderBy: [] })).not.toMatch(/EVENT TIME|DEDUPLICATE|PARTITION|ORDER/);
    expect(statementOf(draft, { withColumns: false })).not.toContain('EVENT TIME');
  });
});

it('renames columns: by the field they come from, or in the header of lines', () => {
  const columns = [column('Order Id', 'BIGINT', { name: 'order_id', isRequired: true }), column('a', 'TEXT')];
  expect(statementOf(orders({ source: 'http', format: 'json', columns }))).toContain('order_id BIGINT NOT NULL FROM ("Order Id"),\n  a TEXT\n');
  const lines = statementOf(orders({ format: 'csv', csvHeader: 'Order Id;"a";left_out', delimiter: ';', columns }));
  expect(lines).toContain('order_id BIGINT NOT NULL,\n');
  expect(lines).toContain(`header = 'order_id;"a";left_out'`);
});

it('writes a Kinesis stream, and names its secrets', () => {
  const kinesis = { ...emptyDraft().kinesis, stream: 'clicks', region: 'eu-west-1' };
  expect(statementOf(orders({ source: 'kinesis', kinesis }))).toBe("CREATE STREAM orders\n  FROM KINESIS (stream = 'clicks', region = 'eu-west-1');");
  const keys = { ...kinesis, mode: 'fan_out', start: 'latest', credentials: 'keys', keyId: { kind: 'env', name: 'ID' }, secretKey: { kind: 'secret', name: 'aws' } } as const;
  expect(statementOf(orders({ source: 'kinesis', kinesis: keys }))).toContain("start = 'latest', mode = 'fan_out', access_key_id = ENV 'ID', secret_access_key = SECRET 'aws')");
});

it('writes the other sources', () => {
  expect(statementOf(orders({ source: 'http' }))).toBe('CREATE STREAM orders\n  FROM HTTP;');
  expect(statementOf(orders({ source: 'file', format: 'csv', csvHeader: 'id;name', delimiter: ';' }))).toBe("CREATE STREAM orders\n  FROM HTTP\n  FORMAT CSV (header = 'id;name', delimiter = ';');");
  expect(statementOf(orders({ format: 'avro', registry: 'http://r:8081', csvHeader: 'left over' }))).toContain("FORMAT AVRO (registry = 'http://r:8081')");
  expect(statementOf(orders({ source: 'demo' }))).toBe("CREATE STREAM orders\n  FROM DEMO (rate = 400, backfill_minutes = 15, malformed = '0.004');");
});

it('quotes for a shell', () => {
  expect(cliLine("SELECT 'a'")).toBe("helios sql 'SELECT '\\''a'\\'''");
  expect(curlLine('http://h', 'clicks', '{"a":"b\'s"}', true)).toBe(
    `curl http://h/v1/streams/clicks/records \\\n  -H "Authorization: Bearer $HELIOS_TOKEN" \\\n  -d '{"a":"b'\\''s"}'`,
  );
});
