import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { runSql } from '../../../api/sql';
import type { StreamDetail } from '../../../api/types';
import { quoteName, quoteText } from '../../../lib/sqlText';
import { Button } from '../../../ui/Button';
import { Code } from '../../../ui/Code';
import { Failure } from '../../../ui/Empty';
import { Field, Input, Textarea } from '../../../ui/Field';
import { Panel } from '../../../ui/Panel';
import { toast } from '../../../ui/Toast';
import { SinksPanel } from '../../sinks/SinksPanel';

/** The statement that made the stream, and the statements that change how it runs. */
export function SettingsTab({ stream, onDrop }: { stream: StreamDetail; onDrop: () => void }) {
  const options = /^(demo|http)$/i.test(stream.source) ? null : <Options stream={stream} />;
  return (
    <div className="grid min-w-0 items-start gap-3 lg:grid-cols-2">
      <Panel title="Statement" note="SHOW CREATE STREAM" className="lg:row-span-3">
        <div className="p-3">
          {stream.statement ? <Code label="The stream as it is" text={stream.statement} /> : <p className="text-text-3">The server does not say.</p>}
        </div>
      </Panel>
      <Retention stream={stream} />
      {options}
      <SinksPanel stream={stream.name} />
      <Panel title="Drop the stream">
        <div className="flex flex-col items-start gap-2 p-3">
          <p className="text-text-2">Removes its rows, positions, quarantine and ledger. What it read stays at the source.</p>
          <Button kind="danger" onClick={onDrop}>
            Drop {stream.name}
          </Button>
        </div>
      </Panel>
    </div>
  );
}

function useStatement(stream: StreamDetail, done: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (sql: string) => runSql(sql),
    onSuccess: () => {
      toast(done);
      void queries.invalidateQueries({ queryKey: ['streams', stream.name] });
    },
  });
}

function Retention({ stream }: { stream: StreamDetail }) {
  const [span, setSpan] = useState(stream.retain ?? '');
  const change = useStatement(stream, `Changed how long ${stream.name} is kept`);
  const alter = `ALTER STREAM ${quoteName(stream.name)}`;
  const statement = span.trim() ? `${alter} SET RETAIN INTERVAL ${quoteText(span.trim())}` : `${alter} DROP RETAIN`;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    change.mutate(statement);
  };
  return (
    <Panel title="Retention">
      <form onSubmit={submit} className="flex flex-col gap-3 p-3">
        <Field label="Keep rows for" hint="For example 30 days. Empty keeps them for ever.">
          {(slots) => <Input {...slots} value={span} placeholder="for ever" onChange={(event) => setSpan(event.target.value)} />}
        </Field>
        <Code label="Statement" text={statement} />
        <div>
          <Button type="submit" kind="outline" disabled={change.isPending || span === (stream.retain ?? '')}>
            Change the retention
          </Button>
        </div>
      </form>
      {change.isError && <Failure error={change.error} doing="changing the retention" />}
    </Panel>
  );
}

function Options({ stream }: { stream: StreamDetail }) {
  const [options, setOptions] = useState('');
  const change = useStatement(stream, `Changed how ${stream.name} is reached`);
  const statement = `ALTER STREAM ${quoteName(stream.name)} SET (${options.trim()})`;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    change.mutate(statement);
  };
  return (
    <Panel title="Source options">
      <form onSubmit={submit} className="flex flex-col gap-3 p-3">
        <Field label="Options to set" hint="Reading goes on from the stored positions. A password is SECRET 'name' and never stands here.">
          {(slots) => <Textarea {...slots} rows={2} value={options} placeholder="brokers = 'localhost:9092'" onChange={(event) => setOptions(event.target.value)} />}
        </Field>
        {options.trim() && <Code label="Statement" text={statement} />}
        <div>
          <Button type="submit" kind="outline" disabled={change.isPending || options.trim() === ''}>
            Change the options
          </Button>
        </div>
      </form>
      {change.isError && <Failure error={change.error} doing="changing the options" />}
    </Panel>
  );
}
