import { useParams, useNavigate } from '@tanstack/react-router';
import { EllipsisVertical, Pause, Play, SquareTerminal, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { ApiError } from '../../../api/client';
import type { StreamDetail } from '../../../api/types';
import { useStream } from '../../../api/useStreamTopic';
import { useTitle } from '../../../lib/a11y';
import { formatCount, formatDuration, plural } from '../../../lib/format';
import { useOpenQuery } from '../../../lib/openQuery';
import { quoteName } from '../../../lib/sqlText';
import { useNow } from '../../../lib/useNow';
import { useSearchState } from '../../../lib/useSearchValue';
import { Badge } from '../../../ui/Badge';
import { Button, ButtonLink } from '../../../ui/Button';
import { Empty, Failure } from '../../../ui/Empty';
import { Menu } from '../../../ui/Menu';
import { Page } from '../../../ui/Panel';
import { Skeleton } from '../../../ui/Skeleton';
import { StreamStatus } from '../../../ui/Status';
import { TabPanel, Tabs } from '../../../ui/Tabs';
import { DropStream } from '../DropStream';
import { usePauseResume } from '../usePauseResume';
import { HealthTab } from './HealthTab';
import { QuarantineTab } from './QuarantineTab';
import { SchemaTab } from './SchemaTab';
import { SettingsTab } from './SettingsTab';
import { TailTab } from './TailTab';

type TabName = 'tail' | 'health' | 'schema' | 'quarantine' | 'settings';
const TABS: readonly TabName[] = ['tail', 'health', 'schema', 'quarantine', 'settings'];

/** `/streams/NAME`: one stream, from its newest row to its settings. */
export default function StreamPage() {
  const { name = '' } = useParams({ strict: false });
  useTitle(name);
  const { stream, history, gone, error, retry } = useStream(name);

  if (gone !== null) return <Gone name={name} why={gone} />;
  if (error instanceof ApiError && (error.status === 404 || error.code === 'not_found')) return <Gone name={name} why={error.message} />;
  if (error) {
    return (
      <Page title={name}>
        <Failure error={error} doing={`reading ${name}`} onRetry={retry} />
      </Page>
    );
  }
  if (!stream) return <Skeleton label={`Loading ${name}`} rows={6} />;
  return <Shown key={name} stream={stream} history={history} />;
}

function Gone({ name, why }: { name: string; why: string }) {
  return (
    <Page title={<span className="isolate-text">{name}</span>}>
      <section className="rounded-lg border border-line bg-surface">
        <Empty
          title="This stream is not there"
          actions={
            <>
              <ButtonLink kind="primary" to="/streams">
                All streams
              </ButtonLink>
              <ButtonLink to="/streams/new">Connect a stream</ButtonLink>
            </>
          }
        >
          It was dropped, or never had this name. The server says: {why}.
        </Empty>
      </section>
    </Page>
  );
}

function Shown({ stream, history }: { stream: StreamDetail; history: ReturnType<typeof useStream>['history'] }) {
  const [search, setSearch] = useSearchState();
  const tab = TABS.find((one) => one === search.tab) ?? 'tail';
  const [dropping, setDropping] = useState(false);
  const navigate = useNavigate();
  const openQuery = useOpenQuery();
  const pauseResume = usePauseResume();
  const now = useNow();
  const paused = stream.state === 'paused';
  return (
    <Page
      title={<span className="isolate-text">{stream.name}</span>}
      json={`/api/v1/streams/${encodeURIComponent(stream.name)}`}
      lead={
        <span className="flex flex-wrap items-center gap-x-3">
          <StreamStatus state={stream.state} />
          <span className="text-xs text-text-3">
            {stream.source.toLowerCase()} · for {formatDuration(now - Date.parse(stream.since))}
            {stream.n_rows !== null && stream.n_rows !== undefined && <> · {plural(stream.n_rows, 'row')}</>}
          </span>
        </span>
      }
      actions={
        <>
          <Button kind="outline" disabled={pauseResume.isPending} onClick={() => pauseResume.mutate({ names: [stream.name], pause: !paused })}>
            {paused ? <Play size={14} aria-hidden /> : <Pause size={14} aria-hidden />}
            {paused ? 'Resume' : 'Pause'}
          </Button>
          <Button kind="primary" onClick={() => openQuery(`SELECT * FROM ${quoteName(stream.name)} LIMIT 100;`)}>
            <SquareTerminal size={14} aria-hidden />
            Query
          </Button>
          <Menu
            label={`Actions on ${stream.name}`}
            shape="icon"
            items={[{ label: 'Drop', icon: <Trash2 size={14} aria-hidden />, danger: true, onSelect: () => setDropping(true) }]}
          >
            <EllipsisVertical size={15} aria-hidden />
          </Menu>
        </>
      }
    >
      <Tabs
        label={`Parts of ${stream.name}`}
        idPrefix="stream"
        value={tab}
        onChange={(value) => setSearch({ tab: value }, { push: true })}
        tabs={[
          { value: 'tail', label: 'Tail' },
          { value: 'health', label: 'Health' },
          { value: 'schema', label: 'Schema' },
          {
            value: 'quarantine',
            label: (
              <>
                Quarantine
                {stream.n_quarantined ? <Badge tone="warn" className="max-md:hidden">{formatCount(stream.n_quarantined)}</Badge> : null}
              </>
            ),
          },
          { value: 'settings', label: 'Settings' },
        ]}
      />
      <TabPanel idPrefix="stream" value={tab} className="flex min-w-0 flex-col gap-3">
        {tab === 'tail' && <TailTab stream={stream} />}
        {tab === 'health' && <HealthTab stream={stream} history={history} />}
        {tab === 'schema' && <SchemaTab stream={stream} />}
        {tab === 'quarantine' && <QuarantineTab stream={stream} />}
        {tab === 'settings' && <SettingsTab stream={stream} onDrop={() => setDropping(true)} />}
      </TabPanel>
      <DropStream stream={stream} open={dropping} onClose={() => setDropping(false)} onDropped={() => void navigate({ to: '/streams' })} />
    </Page>
  );
}
