import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { runSql } from '../../api/sql';
import { Button } from '../../ui/Button';
import { Code } from '../../ui/Code';
import { Failure } from '../../ui/Empty';
import { Field, Input } from '../../ui/Field';
import { Panel } from '../../ui/Panel';
import { toast } from '../../ui/Toast';
import { ClusterChoice } from './ClusterChoice';
import { SinkTable } from './SinkTable';
import { createSink, useClusters, useSinks } from './sinks';

/** The sinks of one stream. Nothing where there is neither a cluster nor a sink. */
export function SinksPanel({ stream }: { stream: string }) {
  const sinks = useSinks(stream);
  const clusters = useClusters();
  if (!clusters.data?.length && !sinks.data?.length) return null;
  return (
    <Panel title="Sinks" note="delivered elsewhere, exactly once" className="lg:col-span-2">
      {sinks.isError && <Failure error={sinks.error} doing="reading the sinks" onRetry={() => void sinks.refetch()} />}
      {sinks.data && sinks.data.length > 0 && <SinkTable sinks={sinks.data} withStream={false} />}
      <NewSink stream={stream} />
    </Panel>
  );
}

function NewSink({ stream }: { stream: string }) {
  const [cluster, setCluster] = useState('');
  const [table, setTable] = useState(stream);
  const queries = useQueryClient();
  const make = useMutation({
    mutationFn: (sql: string) => runSql(sql),
    onSuccess: () => {
      toast(`Created a sink for ${stream}`);
      setCluster('');
      void queries.invalidateQueries({ queryKey: ['system', 'sinks'] });
    },
  });
  const statement = createSink(stream, cluster, table);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    make.mutate(statement);
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-3 p-3">
      <ClusterChoice value={cluster} onChange={setCluster} />
      {cluster !== '' && (
        <>
          <Field label="Table" hint="It is made when it is not there, and checked column by column when it is.">
            {(slots) => <Input {...slots} value={table} onChange={(event) => setTable(event.target.value)} />}
          </Field>
          <Code label="Statement" text={statement} />
          <div>
            <Button type="submit" kind="outline" disabled={make.isPending || table.trim() === ''}>
              Create the sink
            </Button>
          </div>
        </>
      )}
      {make.isError && <Failure error={make.error} doing="creating the sink" />}
    </form>
  );
}
