import { useQuery } from '@tanstack/react-query';
import { rowsOf } from '../../../api/sql';
import type { StreamDetail } from '../../../api/types';
import { formatDuration } from '../../../lib/format';
import { useNow } from '../../../lib/useNow';
import { Status } from '../../../ui/Status';

const NEW_MS = 300_000;

/** For a stream that was just made: how long the first record took until it could be asked for. */
export function FirstRecord({ stream }: { stream: StreamDetail }) {
  const now = useNow();
  const created = Date.parse(stream.created_at ?? '');
  const isNew = now - created < NEW_MS;
  const first = useQuery({
    queryKey: ['first-commit', stream.name, stream.created_at],
    enabled: isNew && Boolean(stream.last_commit_at),
    staleTime: Infinity,
    queryFn: async ({ signal }) => {
      const [row] = await rowsOf<{ first: string | null }>('SELECT min(committed_at) AS first FROM system.commits WHERE stream = $1', [stream.name], signal);
      return row?.first ?? null;
    },
  });
  if (!isNew || !first.data) return null;
  const took = Date.parse(first.data) - created;
  if (!(took >= 0)) return null;
  return (
    <p className="rounded-lg border border-line bg-surface px-3 py-2">
      <Status tone="ok">{`New: the first records could be asked for ${formatDuration(took)} after the stream was created.`}</Status>
    </p>
  );
}
