import { useMutation, useQueryClient } from '@tanstack/react-query';
import { dropStream } from '../../api/streams';
import type { StreamSummary } from '../../api/types';
import { plural } from '../../lib/format';
import { quoteName } from '../../lib/sqlText';
import { Code } from '../../ui/Code';
import { ConfirmByName } from '../../ui/ConfirmByName';
import { toast } from '../../ui/Toast';

/** Asks before a stream is dropped, and says what goes with it. */
export function DropStream({ stream, open, onClose, onDropped }: { stream: StreamSummary; open: boolean; onClose: () => void; onDropped?: () => void }) {
  const queries = useQueryClient();
  const drop = useMutation({
    mutationFn: () => dropStream(stream.name),
    onSuccess: () => {
      toast(`Dropped ${stream.name}`);
      onClose();
      onDropped?.();
      void queries.invalidateQueries({ queryKey: ['streams'], exact: true });
      void queries.invalidateQueries({ queryKey: ['catalog'] });
    },
    onError: (error) => toast(`Cannot drop ${stream.name}: ${error.message}`, 'crit'),
  });
  return (
    <ConfirmByName open={open} title={`Drop ${stream.name}?`} name={stream.name} verb="Drop the stream" busy={drop.isPending} onConfirm={() => drop.mutate()} onClose={onClose}>
      <p>
        {stream.n_rows === null || stream.n_rows === undefined ? 'All its rows' : plural(stream.n_rows, 'row')}
        {stream.n_quarantined ? `, ${plural(stream.n_quarantined, 'quarantined record')}` : ''}, the stored positions and the ledger are removed. Queries that are running finish. Nothing
        brings them back.
      </p>
      <Code label="Statement" text={`DROP STREAM ${quoteName(stream.name)}`} />
    </ConfirmByName>
  );
}
