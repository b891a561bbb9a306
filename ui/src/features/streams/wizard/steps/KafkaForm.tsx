import { useState } from 'react';
import { Choice, Field, Input, Select, Textarea } from '../../../../ui/Field';
import { ConnectionChecks } from '../ConnectionChecks';
import { readPasted } from '../clientProperties';
import { suggestName, withoutSample, type KafkaDraft } from '../draft';
import { statementOf, usesLogin, usesTls } from '../statement';
import type { StepProps } from '../WizardPage';
import { Topics } from './Topics';

const WORDS = {
  one: 'Topic',
  several: 'topics',
  parts: 'Partitions',
  asking: 'Asking the cluster…',
  none: 'The cluster answers, and has no topic this login may see.',
};

/** Brokers, login and topic, each in a field or pasted in one piece. */
export function KafkaForm({ wizard }: StepProps) {
  const { draft, change } = wizard;
  const { kafka } = draft;
  const set = (part: Partial<KafkaDraft>) => change((old) => ({ ...withoutSample(old), kafka: { ...old.kafka, ...part } }));
  const choose = (topic: string) =>
    change((old) => ({ ...withoutSample(old), kafka: { ...old.kafka, topic }, name: old.isNamed ? old.name : suggestName(topic) }));
  const isReady = kafka.brokers.trim() !== '';
  return (
    <div className="flex max-w-3xl flex-col gap-4">
      <Paste onRead={set} />
      <Field label="Brokers" hint="host:port, several with commas between them.">
        {(slots) => <Input {...slots} className="font-mono" placeholder="localhost:9092" value={kafka.brokers} onChange={(event) => set({ brokers: event.target.value })} />}
      </Field>
      <Security kafka={kafka} onChange={set} />
      <Topics statement={statementOf({ ...draft, kafka: { ...kafka, topic: '' } }, { withColumns: false })} isReady={isReady} topic={kafka.topic} words={WORDS} hasCounts onChoose={choose} />
      <Choice
        label="Begin reading"
        value={kafka.start}
        onChange={(start) => set({ start })}
        options={[
          ['earliest', 'with the oldest record'],
          ['latest', 'with what comes next'],
          ['timestamp', 'at a time'],
        ]}
      />
      {kafka.start === 'timestamp' && (
        <Field label="Time" hint="RFC 3339, in UTC." className="max-w-sm">
          {(slots) => <Input {...slots} className="font-mono" placeholder="2026-11-21T06:00:00Z" value={kafka.startAt} onChange={(event) => set({ startAt: event.target.value })} />}
        </Field>
      )}
      {/* What the stream is called changes nothing about how its source is reached. */}
      <ConnectionChecks statement={isReady && kafka.topic !== '' ? statementOf({ ...draft, name: '' }, { withColumns: false }) : null} />
    </div>
  );
}

function Paste({ onRead }: { onRead: (found: Partial<KafkaDraft>) => void }) {
  const [said, setSaid] = useState<string | null>(null);
  const read = (text: string) => {
    const { found, hasPassword } = readPasted(text);
    const n = Object.keys(found).length;
    if (n > 0) onRead(found);
    setSaid(n === 0 ? 'Nothing in it was understood.' : `Filled ${n} ${n === 1 ? 'field' : 'fields'} below.${hasPassword ? ' The password was not taken over: say below where Helios finds it.' : ''}`);
  };
  return (
    <details className="rounded-md border border-line bg-surface px-3 py-2">
      <summary className="min-h-6 cursor-pointer text-sm font-medium">Paste a client.properties or a list of brokers</summary>
      <Field label="Pasted text" hint={said ?? 'It fills the fields below and goes nowhere else.'} className="pt-2">
        {(slots) => <Textarea {...slots} rows={4} onChange={(event) => event.target.value.trim() !== '' && read(event.target.value)} />}
      </Field>
    </details>
  );
}

function Security({ kafka, onChange }: { kafka: KafkaDraft; onChange: (part: Partial<KafkaDraft>) => void }) {
  return (
    <div className="grid gap-3 sm:grid-cols-2">
      <Field label="Security">
        {(slots) => (
          <Select {...slots} value={kafka.protocol} onChange={(event) => onChange({ protocol: event.target.value as KafkaDraft['protocol'] })}>
            <option value="PLAINTEXT">No encryption, no login</option>
            <option value="SSL">TLS</option>
            <option value="SASL_SSL">TLS and login (SASL)</option>
            <option value="SASL_PLAINTEXT">Login without encryption (SASL)</option>
          </Select>
        )}
      </Field>
      {usesTls(kafka) && (
        <Field label="File with the authorities" hint="PEM, on the server. Empty: the system’s own.">
          {(slots) => <Input {...slots} className="font-mono" value={kafka.caFile} onChange={(event) => onChange({ caFile: event.target.value })} />}
        </Field>
      )}
      {usesLogin(kafka) && (
        <>
          <Field label="Mechanism">
            {(slots) => (
              <Select {...slots} value={kafka.mechanism} onChange={(event) => onChange({ mechanism: event.target.value as KafkaDraft['mechanism'] })}>
                {['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'].map((each) => (
                  <option key={each}>{each}</option>
                ))}
              </Select>
            )}
          </Field>
          <Field label="User">{(slots) => <Input {...slots} value={kafka.username} onChange={(event) => onChange({ username: event.target.value })} />}</Field>
          <Field label="Where the password is" hint="Helios keeps names of secrets, never secrets.">
            {(slots) => (
              <Select {...slots} value={kafka.password.kind} onChange={(event) => onChange({ password: { ...kafka.password, kind: event.target.value as 'secret' | 'env' } })}>
                <option value="secret">A secret of Helios</option>
                <option value="env">An environment variable of the server</option>
              </Select>
            )}
          </Field>
          <Field
            label={kafka.password.kind === 'secret' ? 'Name of the secret' : 'Name of the variable'}
            hint={kafka.password.kind === 'secret' ? 'The file DATA/secrets/NAME, or HELIOS_SECRET_NAME.' : 'Looked up each time the source is opened.'}
          >
            {(slots) => <Input {...slots} className="font-mono" value={kafka.password.name} onChange={(event) => onChange({ password: { ...kafka.password, name: event.target.value } })} />}
          </Field>
        </>
      )}
    </div>
  );
}

