/** The statement that the wizard writes: nothing it does could not be typed. */

import { quoteName, quoteText } from '../../../lib/sqlText';
import { isLines, type Draft, type DraftColumn, type KafkaDraft, type KinesisDraft, type SecretRef } from './draft';
import { renamedHeader } from './fileRecords';

/** The `CREATE STREAM` of a draft. Without columns the server infers them. */
export function statementOf(draft: Draft, { withColumns = true }: { withColumns?: boolean } = {}): string {
  const name = quoteName(draft.name === '' ? 'new_stream' : draft.name);
  const columns = withColumns ? draft.columns.filter((column) => column.isKept) : [];
  const lines = [columns.length === 0 ? `CREATE STREAM ${name}` : `CREATE STREAM ${name} (\n${columns.map((column) => columnLine(column, draft)).join(',\n')}\n)`, `  FROM ${sourceClause(draft)}`];
  if (draft.format !== null && draft.source !== 'demo') lines.push(`  FORMAT ${formatClause(draft, draft.format, columns)}`);
  if (columns.length > 0) lines.push(...clauses(draft, columns));
  if (draft.retain.trim() !== '') lines.push(`  RETAIN INTERVAL ${quoteText(draft.retain.trim())}`);
  return `${lines.join('\n')};`;
}

function formatClause(draft: Draft, format: string, columns: readonly DraftColumn[]): string {
  const options: string[] = [];
  if (isLines(draft) && draft.csvHeader.trim() !== '') options.push(`header = ${quoteText(renamedHeader(draft.csvHeader.trim(), delimiterOf(draft), columns))}`);
  if (format === 'csv' && draft.delimiter !== ',') options.push(`delimiter = ${quoteText(draft.delimiter)}`);
  if (['json', 'avro', 'protobuf'].includes(format) && draft.registry.trim() !== '') options.push(`registry = ${quoteText(draft.registry.trim())}`);
  return format.toUpperCase() + (options.length === 0 ? '' : ` (${options.join(', ')})`);
}

/** What stands between the fields of a line. */
export function delimiterOf(draft: Pick<Draft, 'format' | 'delimiter'>): string {
  return draft.format === 'tsv' ? '\t' : draft.delimiter;
}

function columnLine(column: DraftColumn, draft: Draft): string {
  // Lines of fields are renamed in their header; there, the field of the old name is not there any more.
  const from = column.path === column.name || isLines(draft) ? '' : ` FROM (${quotePath(column.path)})`;
  return `  ${quoteName(column.name)} ${column.type}${column.isRequired ? ' NOT NULL' : ''}${from}`;
}

/** A field's name in the record may hold dots, which the server reads as steps; each is quoted by itself. */
const quotePath = (path: string) => path.split('.').map(quoteName).join('.');

/** The clauses that name columns, for those columns that are there. */
function clauses(draft: Draft, columns: readonly DraftColumn[]): string[] {
  const has = (name: string) => columns.some((column) => column.name === name);
  const names = (wanted: readonly string[]) => wanted.filter(has).map(quoteName).join(', ');
  const lines: string[] = [];
  if (has(draft.eventTime)) {
    const late = draft.lateness.trim() === '' ? '' : ` ALLOW LATENESS INTERVAL ${quoteText(draft.lateness.trim())}`;
    lines.push(`  EVENT TIME ${quoteName(draft.eventTime)}${late}`);
  }
  if (names(draft.key) !== '') lines.push(`  DEDUPLICATE BY (${names(draft.key)}) WITHIN INTERVAL ${quoteText(draft.keyWithin.trim() === '' ? '1 day' : draft.keyWithin.trim())}`);
  if (draft.partitionUnit !== '' && has(draft.eventTime)) lines.push(`  PARTITION BY ${draft.partitionUnit}(${quoteName(draft.eventTime)})`);
  if (names(draft.orderBy) !== '') lines.push(`  ORDER BY (${names(draft.orderBy)})`);
  return lines;
}

function sourceClause(draft: Draft): string {
  switch (draft.source) {
    case 'kafka':
      return `KAFKA (${kafkaOptions(draft.kafka).join(', ')})`;
    case 'kinesis':
      return `KINESIS (${kinesisOptions(draft.kinesis).join(', ')})`;
    case 'demo':
      return `DEMO (${demoOptions(draft).join(', ')})`;
    default:
      return 'HTTP';
  }
}

function kafkaOptions(kafka: KafkaDraft): string[] {
  const options = [`brokers = ${quoteText(kafka.brokers.trim())}`];
  const text = (name: string, value: string) => {
    if (value.trim() !== '') options.push(`${name} = ${quoteText(value.trim())}`);
  };
  text('topic', kafka.topic);
  if (kafka.start === 'latest') text('start', 'latest');
  if (kafka.start === 'timestamp') text('start', kafka.startAt);
  if (kafka.protocol !== 'PLAINTEXT') text('security_protocol', kafka.protocol);
  if (usesLogin(kafka)) {
    text('sasl_mechanism', kafka.mechanism);
    text('sasl_username', kafka.username);
    if (kafka.password.name.trim() !== '') options.push(`sasl_password = ${secret(kafka.password)}`);
  }
  if (usesTls(kafka)) text('ssl_ca_location', kafka.caFile);
  return options;
}

function kinesisOptions(kinesis: KinesisDraft): string[] {
  const options: string[] = [];
  const text = (name: string, value: string) => {
    if (value.trim() !== '') options.push(`${name} = ${quoteText(value.trim())}`);
  };
  text('stream', kinesis.stream);
  text('region', kinesis.region);
  text('endpoint', kinesis.endpoint);
  if (kinesis.start === 'latest') text('start', 'latest');
  if (kinesis.start === 'timestamp') text('start', kinesis.startAt);
  if (kinesis.mode === 'fan_out') text('mode', 'fan_out');
  text('role_arn', kinesis.roleArn);
  if (kinesis.credentials === 'keys' && kinesis.keyId.name.trim() !== '' && kinesis.secretKey.name.trim() !== '') {
    options.push(`access_key_id = ${secret(kinesis.keyId)}`, `secret_access_key = ${secret(kinesis.secretKey)}`);
  }
  return options;
}

export const usesLogin = (kafka: Pick<KafkaDraft, 'protocol'>): boolean => kafka.protocol.startsWith('SASL');
export const usesTls = (kafka: Pick<KafkaDraft, 'protocol'>): boolean => kafka.protocol.endsWith('SSL');

function secret({ kind, name }: SecretRef): string {
  return `${kind === 'secret' ? 'SECRET' : 'ENV'} ${quoteText(name.trim())}`;
}

function demoOptions({ demo }: Draft): string[] {
  const options = [`rate = ${wholeNumber(demo.rate, 400)}`, `backfill_minutes = ${wholeNumber(demo.backfillMinutes, 15)}`];
  if (demo.malformed.trim() !== '') options.push(`malformed = ${quoteText(demo.malformed.trim())}`);
  return options;
}

function wholeNumber(text: string, otherwise: number): string {
  return /^\d+$/.test(text.trim()) ? text.trim() : String(otherwise);
}

/** The same as a line for a shell. */
export function cliLine(statement: string): string {
  return `helios sql '${statement.replaceAll("'", `'\\''`)}'`;
}

/** How a record is sent to a stream over HTTP. */
export function curlLine(origin: string, name: string, example: string, token: boolean): string {
  const header = token ? ` \\\n  -H "Authorization: Bearer $HELIOS_TOKEN"` : '';
  return `curl ${origin}/v1/streams/${name}/records${header} \\\n  -d '${example.replaceAll("'", `'\\''`)}'`;
}
