/** What the wizard has been told so far, as data. It is kept on the server, and every step is a function of it. */

export type SourceKind = 'kafka' | 'kinesis' | 'http' | 'file' | 'demo';

export const STEPS = ['source', 'connect', 'sample', 'schema', 'review'] as const;
export type Step = (typeof STEPS)[number];

/** Where a password is; never the password itself, which Helios does not keep. */
export type SecretRef = { kind: 'secret' | 'env'; name: string };

export type KafkaDraft = {
  brokers: string;
  topic: string;
  start: 'earliest' | 'latest' | 'timestamp';
  startAt: string;
  protocol: 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL';
  mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512';
  username: string;
  password: SecretRef;
  caFile: string;
};

export type KinesisDraft = {
  stream: string;
  region: string;
  endpoint: string;
  start: 'earliest' | 'latest' | 'timestamp';
  startAt: string;
  mode: 'poll' | 'fan_out';
  /** Whose credentials are used: those that the server finds by itself, or an access key it has as secrets. */
  credentials: 'server' | 'keys';
  keyId: SecretRef;
  secretKey: SecretRef;
  roleArn: string;
};

export type DemoDraft = { rate: string; backfillMinutes: string; malformed: string };

export type SampleRecord = { partition: string; position: string; time: string | null; key: string | null; payload: string };

export type Sample = { format: string; why: string; records: SampleRecord[]; encoding: 'utf8' | 'base64' };

export type DraftColumn = {
  /** The field of the record that it takes its value from. */
  path: string;
  /** What it is called in the table. */
  name: string;
  type: string;
  isRequired: boolean;
  isKept: boolean;
  /** The share of samples it was in; null where nobody has looked. */
  seen: number | null;
  why: string;
  examples: string[];
};

export type Draft = {
  source: SourceKind | null;
  name: string;
  /** Whether a person typed the name; otherwise it follows the topic or the file. */
  isNamed: boolean;
  kafka: KafkaDraft;
  kinesis: KinesisDraft;
  demo: DemoDraft;
  /** The name of the file; its content stays in the browser. */
  fileName: string | null;
  format: string | null;
  /** The names of the fields of CSV, as its first line has them. */
  csvHeader: string;
  delimiter: string;
  /** Where a schema registry is, for formats that need one. */
  registry: string;
  sample: Sample | null;
  columns: DraftColumn[];
  eventTime: string;
  lateness: string;
  key: string[];
  keyWithin: string;
  orderBy: string[];
  partitionUnit: '' | 'hour' | 'day' | 'month';
  retain: string;
};

export function emptyDraft(): Draft {
  return {
    source: null,
    name: '',
    isNamed: false,
    kafka: {
      brokers: '',
      topic: '',
      start: 'earliest',
      startAt: '',
      protocol: 'PLAINTEXT',
      mechanism: 'PLAIN',
      username: '',
      password: { kind: 'secret', name: '' },
      caFile: '',
    },
    kinesis: {
      stream: '',
      region: '',
      endpoint: '',
      start: 'earliest',
      startAt: '',
      mode: 'poll',
      credentials: 'server',
      keyId: { kind: 'secret', name: '' },
      secretKey: { kind: 'secret', name: '' },
      roleArn: '',
    },
    demo: { rate: '400', backfillMinutes: '15', malformed: '0.004' },
    fileName: null,
    format: null,
    csvHeader: '',
    delimiter: ',',
    registry: '',
    sample: null,
    columns: [],
    eventTime: '',
    lateness: '',
    key: [],
    keyWithin: '1 day',
    orderBy: [],
    partitionUnit: '',
    retain: '',
  };
}

/** A name for a stream made from a topic's or a file's: lower case, digits and underscores. */
export function suggestName(from: string): string {
  const slug = from
    .normalize('NFKD')
    .toLowerCase()
    .replace(/\.(ndjson|jsonl|json|csv|txt|gz|zst)\b/g, '')
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '')
    .slice(0, 60);
  return /^[0-9]/.test(slug) ? `s_${slug}` : slug;
}

export function nameProblem(name: string, taken: readonly string[]): string | null {
  if (name === '') return 'A stream needs a name.';
  if (!/^[a-z_][a-z0-9_]*$/.test(name)) return 'Use lower-case letters, digits and underscores, and begin with a letter.';
  return taken.includes(name) ? `There is a stream named ${name} already.` : null;
}

/** Whether the server reads the source by itself, and so can look into it first. */
export function isRead({ source }: Pick<Draft, 'source'>): boolean {
  return source === 'kafka' || source === 'kinesis';
}

/** The steps a source goes through: the made-up shop has nothing to sample and knows its columns. */
export function stepsOf(draft: Draft): readonly Step[] {
  return draft.source === 'demo' ? ['source', 'connect', 'review'] : STEPS;
}

/** Whether a step has all it needs. */
export function isDone(draft: Draft, step: Step): boolean {
  switch (step) {
    case 'source':
      return draft.source !== null;
    case 'connect':
      if (nameProblem(draft.name, []) !== null) return false;
      if (draft.source === 'kafka') return draft.kafka.brokers.trim() !== '' && draft.kafka.topic.trim() !== '';
      if (draft.source === 'kinesis') return draft.kinesis.stream.trim() !== '';
      return draft.source !== 'file' || draft.fileName !== null;
    case 'sample':
      return draft.sample !== null && draft.sample.records.length > 0;
    case 'schema':
      return draft.columns.some((column) => column.isKept) && draft.columns.every((column) => columnProblem(column, draft.columns) === null);
    case 'review':
      return false;
  }
}

/** The first step that cannot be left out: those before it are done. */
export function reachable(draft: Draft, step: Step): boolean {
  const steps = stepsOf(draft);
  const index = steps.indexOf(step);
  // A sample is wanted and not needed: a stream over HTTP may learn its columns from its first push.
  return index >= 0 && steps.slice(0, index).every((before) => isDone(draft, before) || (before !== 'source' && before !== 'connect'));
}

/** Columns after the server looked at the samples: what a person decided stays. */
export function mergeColumns(known: readonly DraftColumn[], seen: readonly DraftColumn[]): DraftColumn[] {
  const find = (column: DraftColumn) => known.find((each) => each.name === column.name) ?? known.find((each) => each.path === column.path);
  // What was seen first is said of the records themselves; later looks are at what a person made of them.
  const merged = [...new Set(seen.map((column) => find(column) ?? column))];
  // A column that was left out is not looked at any more, and must not be forgotten either.
  return [...merged, ...known.filter((column) => !merged.includes(column))];
}

/** The draft with a column changed; what names the column follows a new name. */
export function withColumn(draft: Draft, path: string, part: Partial<DraftColumn>): Draft {
  const before = draft.columns.find((column) => column.path === path);
  if (before === undefined) return draft;
  const columns = draft.columns.map((column) => (column === before ? { ...column, ...part } : column));
  const renamed = (name: string) => (name === before.name ? (part.name ?? name) : name);
  return { ...draft, columns, eventTime: renamed(draft.eventTime), key: draft.key.map(renamed), orderBy: draft.orderBy.map(renamed) };
}

/** Whether columns may be called otherwise than their fields. Pushed CSV names its fields itself, each time. */
export function canRename(draft: Pick<Draft, 'format' | 'source'>): boolean {
  return isLines(draft) ? draft.source !== 'http' : draft.format !== 'text';
}

/** Whether the format is lines of fields. */
export function isLines({ format }: Pick<Draft, 'format'>): boolean {
  return format === 'csv' || format === 'tsv';
}

/** What is wrong with the name of a kept column; null where nothing is. */
export function columnProblem(column: DraftColumn, columns: readonly DraftColumn[]): string | null {
  if (!column.isKept) return null;
  if (column.name.trim() === '') return 'It needs a name.';
  if (HIDDEN.has(column.name)) return 'Every table has a hidden column of this name.';
  return columns.some((each) => each !== column && each.isKept && each.name === column.name) ? 'Two columns have this name.' : null;
}

const HIDDEN = new Set(['_time', '_partition', '_offset', '_key', '_headers', '_rest', '_late', '_tags', '_commit']);

/** The draft with everything that depends on its sample forgotten. */
export function withoutSample(draft: Draft): Draft {
  return { ...draft, sample: null, columns: [], eventTime: '', key: [], orderBy: [], partitionUnit: '' };
}

/** A first choice of the event time: a required timestamp, or any. */
export function guessEventTime(columns: readonly DraftColumn[]): string {
  const times = columns.filter((column) => column.isKept && isTimestamp(column));
  return (times.find((column) => column.isRequired) ?? times[0])?.name ?? '';
}

export function isTimestamp(column: Pick<DraftColumn, 'type'>): boolean {
  return /^timestamp/i.test(column.type);
}

/** What may be a key or an order: a single value. */
export function isComparable(column: Pick<DraftColumn, 'type'>): boolean {
  return !/^(struct|array|json)/i.test(column.type);
}
