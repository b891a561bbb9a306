import { useMutation } from '@tanstack/react-query';
import { RotateCw } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { formatExact, formatTimestamp, plural } from '../../../../lib/format';
import { usePreferences } from '../../../../lib/preferences';
import { Button } from '../../../../ui/Button';
import { Code } from '../../../../ui/Code';
import { Empty, Failure } from '../../../../ui/Empty';
import { Field, Input, Select, Textarea } from '../../../../ui/Field';
import { Skeleton } from '../../../../ui/Skeleton';
import { Table } from '../../../../ui/Table';
import { Actions } from '../Actions';
import { isRead, withoutSample, type Draft, type Sample } from '../draft';
import { elementsOf, headerOf, kindOf, sampleOf } from '../fileRecords';
import { statementOf } from '../statement';
import { takeSample } from '../wizardApi';
import type { StepProps } from '../WizardPage';

const SHOWN = 20;

/** What the records look like, before anything is decided about them. */
export function SampleStep({ wizard }: StepProps) {
  const { draft, change } = wizard;
  const isReadable = isRead(draft);
  const taking = useMutation({
    mutationFn: () => takeSample(statementOf({ ...draft, format: null }, { withColumns: false })),
    onSuccess: (sample) => change((old) => withSample(old, sample)),
  });
  const asked = useRef(false);
  useEffect(() => {
    if (!isReadable || draft.sample !== null || asked.current) return;
    asked.current = true;
    taking.mutate();
  }, [isReadable, draft.sample, taking]);
  const n = draft.sample?.records.length ?? 0;
  const [isWaiting, setWaiting] = useState(false);
  useEffect(() => {
    if (!isWaiting || n > 0 || taking.isPending) return;
    const timer = setTimeout(() => taking.mutate(), LOOK_EVERY_MS);
    return () => clearTimeout(timer);
  }, [isWaiting, n, taking]);
  return (
    <section aria-labelledby="sample-title" className="flex flex-col gap-4">
      <div className="flex flex-wrap items-center gap-3">
        <h2 id="sample-title" className="text-lg font-semibold">
          What do the records look like?
        </h2>
        {isReadable && (
          <Button kind="outline" disabled={taking.isPending} onClick={() => taking.mutate()}>
            <RotateCw size={14} aria-hidden />
            {taking.isPending ? 'Reading…' : 'Read again'}
          </Button>
        )}
      </div>
      {taking.isPending && n === 0 && !isWaiting && <Skeleton label="Reading a sample" rows={6} />}
      {taking.isError && <Failure error={taking.error} doing="reading a sample" onRetry={() => taking.mutate()} />}
      {draft.sample !== null && n > 0 && <Records draft={draft} sample={draft.sample} onChange={(part) => change((old) => ({ ...forgetColumns(old), ...part }))} />}
      {isReadable && draft.sample !== null && n === 0 && (
        <EmptyTopic draft={draft} isWaiting={isWaiting} onWait={setWaiting} />
      )}
      {draft.source !== 'file' && (draft.source === 'http' || (draft.sample !== null && (n === 0 || draft.sample.why === PASTED)) || taking.isError) && (
        <Paste onSample={(sample, header) => change((old) => (sample === null ? withoutSample(old) : { ...withSample(old, sample), ...header }))} isOptional={draft.source === 'http'} />
      )}
      <Actions onBack={wizard.back} onNext={wizard.next} next={n === 0 ? 'Continue without a sample' : 'Continue'} disabled={taking.isPending && n === 0 && !isWaiting} why="A sample is being read." />
    </section>
  );
}

const LOOK_EVERY_MS = 2000;
const PASTED = 'pasted here';
const FORMATS = ['json', 'csv', 'tsv', 'avro', 'protobuf', 'msgpack', 'cloudwatch_logs', 'text'];
const EXAMPLE = '{"id": 1, "at": "2026-11-21T12:00:00Z"}';

function EmptyTopic({ draft, isWaiting, onWait }: { draft: Draft; isWaiting: boolean; onWait: (isWaiting: boolean) => void }) {
  const command = draft.source === 'kinesis' ? kinesisCommand(draft.kinesis) : kafkaCommand(draft.kafka);
  return (
    <div className="flex max-w-3xl flex-col gap-3 rounded-md border border-line bg-surface">
      <Empty
        title={draft.source === 'kinesis' ? 'The stream is empty' : 'The topic is empty'}
        actions={
          <Button kind={isWaiting ? 'outline' : 'primary'} aria-pressed={isWaiting} onClick={() => onWait(!isWaiting)}>
            {isWaiting && <span aria-hidden className="live-dot text-accent" />}
            {isWaiting ? 'Waiting for a record. Stop' : 'Wait for one'}
          </Button>
        }
      >
        It answers, and holds no record yet. Send one, or paste one below as it will be.
      </Empty>
      <div className="px-4 pb-4">
        <Code label="Send one from a shell" text={command} />
      </div>
    </div>
  );
}

function kafkaCommand({ brokers, topic, protocol }: Draft['kafka']): string {
  const config = protocol === 'PLAINTEXT' ? '' : ' \\\n  --producer.config client.properties';
  return `echo '${EXAMPLE}' | kafka-console-producer \\\n  --bootstrap-server ${brokers.trim()} --topic ${topic.trim()}${config}`;
}

function kinesisCommand({ stream, region, endpoint }: Draft['kinesis']): string {
  const where = [region.trim() !== '' ? ` --region ${region.trim()}` : '', endpoint.trim() !== '' ? ` --endpoint-url ${endpoint.trim()}` : ''].join('');
  return `aws kinesis put-record --stream-name ${stream.trim()} --partition-key 1${where} \\\n  --cli-binary-format raw-in-base64-out --data '${EXAMPLE}'`;
}

function withSample(draft: Draft, sample: Sample): Draft {
  // "text" is how the server says that it recognised nothing.
  return { ...forgetColumns(draft), sample, format: sample.records.length === 0 || sample.format === 'text' ? draft.format : sample.format };
}

function forgetColumns(draft: Draft): Draft {
  return { ...withoutSample(draft), sample: draft.sample };
}

function Records({ draft, sample, onChange }: { draft: Draft; sample: Sample; onChange: (part: Partial<Draft>) => void }) {
  const { zone } = usePreferences();
  const hasKeys = sample.records.some((record) => record.key !== null);
  const hasTimes = sample.records.some((record) => record.time !== null);
  return (
    <>
      <div className="flex flex-wrap items-end gap-x-4 gap-y-2">
        <Field label="Format" className="w-40">
          {(slots) => (
            <Select {...slots} value={draft.format ?? ''} onChange={(event) => onChange({ format: event.target.value })}>
              {draft.format === null && <option value="">not recognised</option>}
              {FORMATS.map((format) => (
                <option key={format} value={format}>
                  {format.toUpperCase()}
                </option>
              ))}
            </Select>
          )}
        </Field>
        {(draft.format === 'csv' || draft.format === 'tsv') && (
          <Field label="Names of the fields" className="w-80">
            {(slots) => <Input {...slots} className="font-mono" placeholder="id,name,price" value={draft.csvHeader} onChange={(event) => onChange({ csvHeader: event.target.value })} />}
          </Field>
        )}
        {(draft.format === 'avro' || draft.format === 'protobuf') && (
          <Field label="Schema registry" className="w-80">
            {(slots) => <Input {...slots} className="font-mono" placeholder="http://localhost:8081" value={draft.registry} onChange={(event) => onChange({ registry: event.target.value })} />}
          </Field>
        )}
        <p className="pb-1.5 text-sm text-text-2">
          {plural(sample.records.length, 'record')}. {sample.format === 'text' ? 'No format was recognised' : `Looks like ${sample.format.toUpperCase()}`}: {sample.why.replace(/\.$/, '')}.
        </p>
      </div>
      <div className="overflow-hidden rounded-md border border-line bg-surface">
        <Table
          label="Sample records"
          mono
          rows={sample.records.slice(0, SHOWN)}
          rowKey={(_, index) => String(index)}
          caption={sample.records.length > SHOWN ? `The first ${SHOWN} of ${formatExact(sample.records.length)}.` : undefined}
          columns={[
            { id: 'position', header: 'Position', wideOnly: true, cell: (record) => <span className="whitespace-nowrap">{`${record.partition}:${record.position}`}</span> },
            ...(hasTimes ? [{ id: 'time', header: 'Time', wideOnly: true, cell: (record: Sample['records'][number]) => <span className="num whitespace-nowrap">{record.time === null ? '–' : formatTimestamp(record.time, zone)}</span> }] : []),
            ...(hasKeys ? [{ id: 'key', header: 'Key', wideOnly: true, cell: (record: Sample['records'][number]) => record.key ?? <i className="text-text-3">null</i> }] : []),
            {
              id: 'payload',
              header: 'Record',
              cell: (record) => (
                <span dir="auto" className="isolate-text line-clamp-3 [overflow-wrap:anywhere]">
                  {record.payload.slice(0, 2000)}
                </span>
              ),
            },
          ]}
        />
      </div>
    </>
  );
}

type Header = Partial<Pick<Draft, 'csvHeader' | 'delimiter'>>;

/** Records typed or pasted by a person, where there is nothing to read yet. */
function Paste({ onSample, isOptional }: { onSample: (sample: Sample | null, header: Header) => void; isOptional: boolean }) {
  const [problem, setProblem] = useState<string | null>(null);
  const read = (text: string) => {
    if (text.trim() === '') {
      setProblem(null);
      return onSample(null, {});
    }
    const payloads = payloadsOf(text);
    if (payloads === null) return setProblem('This reads neither as JSON nor as CSV with a header line.');
    setProblem(null);
    const records = payloads.map((payload, index) => ({ partition: 'pasted', position: String(index), time: null, key: null, payload }));
    const format = kindOf(text) === 'csv' ? 'csv' : 'json';
    onSample({ format, why: PASTED, records, encoding: 'utf8' }, format === 'csv' ? headerOf(text) : {});
  };
  return (
    <Field
      label="Paste a few records"
      error={problem ?? undefined}
      hint={isOptional ? 'JSON objects, one a line, an array of them, or CSV with a header. Left empty, the first push says what the columns are.' : 'JSON objects, one a line, an array of them, or CSV with a header.'}
      className="max-w-3xl"
    >
      {(slots) => <Textarea {...slots} rows={7} placeholder={'{"id": 1, "at": "2026-11-21T12:00:00Z", "page": "/"}'} onChange={(event) => read(event.target.value)} />}
    </Field>
  );
}

/** One object over several lines is one record; otherwise the text is cut as a file would be. */
export function payloadsOf(text: string): string[] | null {
  const kind = kindOf(text);
  if (kind === null) return null;
  if (kind === 'csv') return nonEmpty(sampleOf(text, 'csv', true));
  if (kind === 'json') return isJson(text) ? nonEmpty(elementsOf(text)) : null;
  if (isJson(text)) return [text.trim()];
  const lines = sampleOf(text, 'ndjson', true);
  return lines.every(isJson) ? nonEmpty(lines) : null;
}

function nonEmpty(payloads: string[]): string[] | null {
  return payloads.length === 0 ? null : payloads;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
