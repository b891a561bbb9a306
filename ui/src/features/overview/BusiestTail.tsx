import { Link } from '@tanstack/react-router';
import { Pause, Play } from 'lucide-react';
import { useMemo } from 'react';
import type { StreamColumn } from '../../api/types';
import { useTail } from '../../api/useTail';
import { Button } from '../../ui/Button';
import { Empty } from '../../ui/Empty';
import { LiveTable, WaitingPill } from '../../ui/LiveTable';
import { Panel } from '../../ui/Panel';
import { Skeleton } from '../../ui/Skeleton';

const COLUMNS_MAX = 8;

/** The newest rows of the stream with the most events. */
export function BusiestTail({ stream, columns }: { stream: string; columns: readonly StreamColumn[] | undefined }) {
  const tail = useTail(stream, '', 200);
  const shown = useMemo(() => columns?.slice(0, COLUMNS_MAX) ?? [], [columns]);
  return (
    <Panel
      title={
        <Link to="/streams/$name" params={{ name: stream }} search={{ tab: 'tail' } as never} className="isolate-text hover:underline">
          {stream}
        </Link>
      }
      note="live tail"
      actions={
        <Button onClick={() => tail.setPaused(!tail.paused)} aria-pressed={tail.paused}>
          {tail.paused ? <Play size={14} aria-hidden /> : <Pause size={14} aria-hidden />}
          {tail.paused ? 'Go on' : 'Pause'}
        </Button>
      }
    >
      <div className="relative flex min-h-0 flex-col">
        {tail.ended ? (
          <Empty title="The tail is over">{tail.ended}</Empty>
        ) : shown.length === 0 ? (
          <Skeleton label={`Loading the columns of ${stream}`} rows={8} />
        ) : (
          <LiveTable label={`Newest rows of ${stream}`} columns={shown} view={tail.view} onReading={tail.setReading} jumps={tail.jumps} height={316} />
        )}
        <WaitingPill view={tail.view} onLatest={tail.latest} />
      </div>
    </Panel>
  );
}
