import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { discardSql, type QuarantineClass } from '../../api/quarantine';
import { runSql } from '../../api/sql';
import { plural } from '../../lib/format';
import { Button } from '../../ui/Button';
import { Code } from '../../ui/Code';
import { Dialog } from '../../ui/Dialog';
import { Failure } from '../../ui/Empty';
import { Field, Input } from '../../ui/Field';
import { toast } from '../../ui/Toast';

/** Closes records that nobody wants; the reason is kept with them. */
export function DiscardDialog({ one, onClose }: { one: QuarantineClass; onClose: () => void }) {
  const [reason, setReason] = useState('');
  const queries = useQueryClient();
  const statement = discardSql({ one, id: null }, reason.trim() || '…');
  const discard = useMutation({
    mutationFn: () => runSql(statement),
    onSuccess: () => {
      toast(`Discarded ${plural(one.n_open, 'record')}`);
      void queries.invalidateQueries({ queryKey: ['quarantine'] });
      onClose();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (reason.trim()) discard.mutate();
  };
  return (
    <Dialog open title={`Discard ${plural(one.n_open, 'record')}?`} onClose={onClose}>
      <form onSubmit={submit} className="flex flex-col gap-3">
        <p className="text-text-2">They keep their payload until the stream’s retention, stay counted as quarantined, and are not replayed any more.</p>
        <Field label="Why" hint="Kept with the records.">
          {(slots) => <Input {...slots} value={reason} placeholder="test data" onChange={(event) => setReason(event.target.value)} />}
        </Field>
        <Code label="Statement" text={statement} />
        {discard.isError && <Failure error={discard.error} doing="discarding" />}
        <div className="flex justify-end gap-2">
          <Button kind="outline" onClick={onClose}>
            Keep them
          </Button>
          <Button kind="danger" type="submit" disabled={reason.trim() === '' || discard.isPending}>
            Discard {plural(one.n_open, 'record')}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
