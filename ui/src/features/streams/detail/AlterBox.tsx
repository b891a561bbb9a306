import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { runSql, type SqlAnswer } from '../../../api/sql';
import type { StreamDetail } from '../../../api/types';
import { cellKind, cellText } from '../../../lib/cells';
import { formatExact } from '../../../lib/format';
import { quoteName } from '../../../lib/sqlText';
import { Button } from '../../../ui/Button';
import { Failure } from '../../../ui/Empty';
import { Field, Textarea } from '../../../ui/Field';
import { Panel } from '../../../ui/Panel';
import { Table } from '../../../ui/Table';
import { toast } from '../../../ui/Toast';

/** A box for an ALTER STREAM: its effect is shown before it is run. */
export function AlterBox({ stream, proposed }: { stream: StreamDetail; proposed: string }) {
  const [statement, setStatement] = useState(proposed || `ALTER STREAM ${quoteName(stream.name)} ADD COLUMN new_column TEXT`);
  const box = useRef<HTMLTextAreaElement>(null);
  const queries = useQueryClient();
  const written = statement.trim().replace(/;$/, '');
  const preview = useMutation({ mutationFn: (sql: string) => runSql(`EXPLAIN ${sql}`) });
  const alter = useMutation({
    mutationFn: (sql: string) => runSql(sql),
    onSuccess: () => {
      toast(`Changed ${stream.name}`);
      preview.reset();
      void queries.invalidateQueries({ queryKey: ['streams'] });
      void queries.invalidateQueries({ queryKey: ['catalog'] });
      void queries.invalidateQueries({ queryKey: ['schema-events'] });
    },
  });
  useEffect(() => {
    if (proposed) box.current?.focus();
  }, [proposed]);
  const isAlter = /^alter\s+stream\s/i.test(written);
  const seen = preview.isSuccess && preview.variables === written;
  return (
    <Panel title="Change the schema" note="files are never rewritten">
      <div className="flex flex-col gap-3 p-3">
        <Field
          label="Statement"
          error={isAlter ? undefined : 'Write an ALTER STREAM statement here; any other statement belongs on the Query page.'}
          hint="ADD COLUMN name type · DROP COLUMN name · RENAME COLUMN name TO name · PROMOTE field AS name · ADD RULE name CHECK (condition) ON FAIL QUARANTINE"
        >
          {(slots) => <Textarea {...slots} ref={box} rows={3} value={statement} onChange={(event) => setStatement(event.target.value)} />}
        </Field>
        <div className="flex flex-wrap gap-2">
          <Button kind={seen ? 'outline' : 'primary'} disabled={!isAlter || preview.isPending} onClick={() => preview.mutate(written)}>
            Show what it would do
          </Button>
          <Button kind={seen ? 'primary' : 'outline'} disabled={!isAlter || alter.isPending} onClick={() => alter.mutate(written)}>
            Run it
          </Button>
        </div>
      </div>
      {preview.isError && <Failure error={preview.error} doing="looking at the effect" />}
      {alter.isError && <Failure error={alter.error} doing="changing the stream" />}
      {seen && preview.data && <Answer answer={preview.data} />}
    </Panel>
  );
}

function Answer({ answer }: { answer: SqlAnswer }) {
  return (
    <div className="border-t border-line">
      <Table
        label="What the statement would do"
        rows={answer.data}
        rowKey={(_, index) => String(index)}
        columns={answer.columns.map((column) => {
          const kind = cellKind(column.type);
          return {
            id: column.name,
            header: column.name.replaceAll('_', ' '),
            align: kind === 'number' ? ('right' as const) : undefined,
            wideOnly: column.name === 'sample',
            className: column.name === 'sample' ? 'max-w-96 truncate font-mono' : undefined,
            cell: (row: Record<string, unknown>) => (kind === 'number' ? formatExact(row[column.name] as number | string | null) : (cellText(row[column.name], kind) ?? '')),
          };
        })}
      />
    </div>
  );
}
