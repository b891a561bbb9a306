import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { replaySql, type Outcome, type QuarantineClass, type QuarantinedRecord } from '../../api/quarantine';
import { rowsOf } from '../../api/sql';
import { fixSql, type FixKind } from '../../lib/fixes';
import { plural } from '../../lib/format';
import { Button } from '../../ui/Button';
import { Code } from '../../ui/Code';
import { Dialog } from '../../ui/Dialog';
import { Failure } from '../../ui/Empty';
import { Choice, Field, Input, Textarea } from '../../ui/Field';
import { toast } from '../../ui/Toast';
import { Outcomes } from './Outcomes';

const KINDS: Record<FixKind, string> = {
  none: 'As they are',
  null: 'Set the value to null',
  default: 'Use another value',
  rename: 'Rename the field',
  drop: 'Drop the field',
  edit: 'Edit the record',
};

/** Mends records and sends them through the stream again; what would happen is shown first. */
export function FixDialog({ onClose, ...opened }: { one: QuarantineClass; record: QuarantinedRecord | null; onClose: () => void }) {
  // What the page showed when this opened: it is read anew once records have left, and nothing shall move under the pointer.
  const [{ one, record }] = useState(opened);
  const path = one.path ?? '';
  const [scope, setScope] = useState<'all' | 'one'>('all');
  const [kind, setKind] = useState<FixKind>(path ? 'null' : 'none');
  const [texts, setTexts] = useState<Partial<Record<FixKind, string>>>({ edit: record?.payload ?? '' });
  const queries = useQueryClient();
  // An edited payload belongs to one record and no other.
  const isOne = (scope === 'one' || kind === 'edit') && record !== null;
  const fix = fixSql(kind, path, texts[kind] ?? '');
  const statement = fix === undefined ? null : replaySql({ one, id: isOne ? record.id : null }, fix);
  const preview = useMutation({ mutationFn: (sql: string) => rowsOf<Outcome>(`EXPLAIN ${sql}`) });
  const replay = useMutation({
    mutationFn: (sql: string) => rowsOf<Outcome>(sql),
    onSuccess: (outcomes) => {
      const stored = outcomes.reduce((sum, outcome) => sum + (outcome.outcome.startsWith('still') ? 0 : Number(outcome.n_records)), 0);
      toast(`Replayed ${plural(stored, 'record')}`);
      void queries.invalidateQueries({ queryKey: ['quarantine'] });
    },
  });
  const isPreviewed = preview.isSuccess && preview.variables === statement;
  const kinds = (Object.keys(KINDS) as FixKind[]).filter((one) => (path !== '' || one === 'none' || one === 'edit') && (one !== 'edit' || record !== null));
  const label = kind === 'default' ? 'The value to use' : kind === 'rename' ? 'The name the stream expects' : 'The record';
  const set = (text: string) => setTexts((old) => ({ ...old, [kind]: text }));

  return (
    <Dialog
      open
      wide
      title="Fix and replay"
      onClose={onClose}
      actions={
        replay.isSuccess ? (
          <Button kind="primary" onClick={onClose}>
            Done
          </Button>
        ) : (
          <>
            <Button kind={isPreviewed ? 'outline' : 'primary'} disabled={!statement || preview.isPending} onClick={() => statement && preview.mutate(statement)}>
              {preview.isPending ? 'Trying…' : 'Show what would happen'}
            </Button>
            <Button kind={isPreviewed ? 'primary' : 'outline'} disabled={!statement || replay.isPending} onClick={() => statement && replay.mutate(statement)}>
              {replay.isPending ? 'Replaying…' : isOne ? 'Replay the record' : `Replay ${plural(one.n_open, 'record')}`}
            </Button>
          </>
        )
      }
    >
      <p className="text-text-2">
        Records go through the stream’s own rules again, each exactly once. What still does not fit stays here, with the reason it has then.
      </p>
      {record && kind !== 'edit' && (
        <Choice
          label="Which"
          value={scope}
          onChange={setScope}
          options={[
            ['all', `All ${plural(one.n_open, 'open record')} of this cause`],
            ['one', `Only the one at ${record.position}`],
          ]}
        />
      )}
      <Choice label="How they are mended" value={kind} onChange={setKind} options={kinds.map((each) => [each, KINDS[each]] as const)} />
      {(kind === 'default' || kind === 'rename') && (
        <Field label={label}>{(slots) => <Input {...slots} className="font-mono" value={texts[kind] ?? ''} onChange={(event) => set(event.target.value)} />}</Field>
      )}
      {kind === 'edit' && <Field label={label}>{(slots) => <Textarea {...slots} rows={6} value={texts.edit ?? ''} onChange={(event) => set(event.target.value)} />}</Field>}
      {kind === 'none' && <p className="text-text-2">Choose this after the columns of the stream were changed so that the records fit.</p>}
      {statement && <Code label="Statement" text={statement} />}
      {preview.isError && <Failure error={preview.error} doing="trying the fix" />}
      {replay.isError && <Failure error={replay.error} doing="replaying" />}
      {replay.isSuccess ? <Outcomes outcomes={replay.data} title="What became of them" /> : isPreviewed && <Outcomes outcomes={preview.data} title="What would happen" />}
    </Dialog>
  );
}
