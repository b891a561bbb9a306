import { Choice, Field, Input, Select } from '../../../../ui/Field';
import { ConnectionChecks } from '../ConnectionChecks';
import { suggestName, withoutSample, type KinesisDraft, type SecretRef } from '../draft';
import { statementOf } from '../statement';
import type { StepProps } from '../WizardPage';
import { Topics } from './Topics';

const WORDS = {
  one: 'Stream',
  several: 'streams',
  parts: 'Open shards',
  asking: 'Asking Kinesis…',
  none: 'Kinesis answers, and has no stream here that these credentials may see.',
};

/** Region, credentials and stream. */
export function KinesisForm({ wizard }: StepProps) {
  const { draft, change } = wizard;
  const { kinesis } = draft;
  const set = (part: Partial<KinesisDraft>) => change((old) => ({ ...withoutSample(old), kinesis: { ...old.kinesis, ...part } }));
  const choose = (stream: string) =>
    change((old) => ({ ...withoutSample(old), kinesis: { ...old.kinesis, stream }, name: old.isNamed ? old.name : suggestName(stream) }));
  return (
    <div className="flex max-w-3xl flex-col gap-4">
      <div className="grid gap-3 sm:grid-cols-2">
        <Field label="Region" hint="Empty: that of the server’s environment.">
          {(slots) => <Input {...slots} className="font-mono" placeholder="eu-west-1" value={kinesis.region} onChange={(event) => set({ region: event.target.value })} />}
        </Field>
        <Field label="Address" hint="Only for a VPC endpoint or an emulator.">
          {(slots) => <Input {...slots} className="font-mono" placeholder="https://…" value={kinesis.endpoint} onChange={(event) => set({ endpoint: event.target.value })} />}
        </Field>
      </div>
      <Credentials kinesis={kinesis} onChange={set} />
      <Topics
        statement={statementOf({ ...draft, kinesis: { ...kinesis, stream: '' } }, { withColumns: false })}
        isReady
        topic={kinesis.stream}
        words={WORDS}
        hasCounts={false}
        onChoose={choose}
      />
      <Choice
        label="Begin reading"
        value={kinesis.start}
        onChange={(start) => set({ start })}
        options={[
          ['earliest', 'with the oldest record'],
          ['latest', 'with what comes next'],
          ['timestamp', 'at a time'],
        ]}
      />
      {kinesis.start === 'timestamp' && (
        <Field label="Time" hint="RFC 3339, in UTC." className="max-w-sm">
          {(slots) => <Input {...slots} className="font-mono" placeholder="2026-11-21T06:00:00Z" value={kinesis.startAt} onChange={(event) => set({ startAt: event.target.value })} />}
        </Field>
      )}
      <Choice
        label="How records come"
        value={kinesis.mode}
        onChange={(mode) => set({ mode })}
        options={[
          ['poll', 'polled, at no extra cost'],
          ['fan_out', 'pushed (enhanced fan-out, has a price)'],
        ]}
      />
      <ConnectionChecks
        place="Stream and shards"
        missing="Say which stream to read."
        statement={kinesis.stream.trim() !== '' ? statementOf({ ...draft, name: '' }, { withColumns: false }) : null}
      />
    </div>
  );
}

function Credentials({ kinesis, onChange }: { kinesis: KinesisDraft; onChange: (part: Partial<KinesisDraft>) => void }) {
  return (
    <div className="grid gap-3 sm:grid-cols-2">
      <Field label="Credentials" hint="The server looks in its environment, its profile, and the role of its machine.">
        {(slots) => (
          <Select {...slots} value={kinesis.credentials} onChange={(event) => onChange({ credentials: event.target.value as KinesisDraft['credentials'] })}>
            <option value="server">Those that the server finds</option>
            <option value="keys">An access key, kept as secrets</option>
          </Select>
        )}
      </Field>
      <Field label="Role to assume" hint="Its ARN; empty: none.">
        {(slots) => <Input {...slots} className="font-mono" placeholder="arn:aws:iam::…:role/…" value={kinesis.roleArn} onChange={(event) => onChange({ roleArn: event.target.value })} />}
      </Field>
      {kinesis.credentials === 'keys' && (
        <>
          <SecretField label="access key’s id" value={kinesis.keyId} onChange={(keyId) => onChange({ keyId })} />
          <SecretField label="access key’s secret" value={kinesis.secretKey} onChange={(secretKey) => onChange({ secretKey })} />
        </>
      )}
    </div>
  );
}

function SecretField({ label, value, onChange }: { label: string; value: SecretRef; onChange: (value: SecretRef) => void }) {
  return (
    <div className="flex gap-2">
      <Field label={`Where the ${label} is`}>
        {(slots) => (
          <Select {...slots} value={value.kind} onChange={(event) => onChange({ ...value, kind: event.target.value as SecretRef['kind'] })}>
            <option value="secret">A secret of Helios</option>
            <option value="env">A variable of the server</option>
          </Select>
        )}
      </Field>
      <Field label="Its name" className="flex-1">
        {(slots) => <Input {...slots} className="font-mono" value={value.name} onChange={(event) => onChange({ ...value, name: event.target.value })} />}
      </Field>
    </div>
  );
}
