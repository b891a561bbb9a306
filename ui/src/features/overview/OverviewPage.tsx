import { useQuery } from '@tanstack/react-query';
import { ArrowRight } from 'lucide-react';
import { usePulse } from '../../api/metrics';
import { streamQuery } from '../../api/streams';
import { useLiveStatus } from '../../api/useLive';
import { useTitle } from '../../lib/a11y';
import { firstQuestion, isDemo } from '../../lib/demo';
import { useOpenQuery } from '../../lib/openQuery';
import { Button, ButtonLink } from '../../ui/Button';
import { Page } from '../../ui/Panel';
import { BusiestTail } from './BusiestTail';
import { Checklist } from './Checklist';
import { HealthStrip } from './HealthStrip';
import { NoStreams } from './NoStreams';
import { PulseCharts } from './PulseCharts';
import { RecentQueries } from './RecentQueries';
import { StreamsPanel } from './StreamsPanel';

/** Everything at a glance. */
export default function OverviewPage() {
  useTitle('Overview');
  const { now } = usePulse();
  const openQuery = useOpenQuery();
  const streams = now?.streams ?? [];
  const busiest = streams.reduce<(typeof streams)[number] | null>((best, one) => ((one.events_per_s ?? 0) > (best?.events_per_s ?? -1) ? one : best), null);
  const detail = useQuery({ ...streamQuery(busiest?.name ?? ''), enabled: busiest !== null });
  const eventTime = detail.data?.event_time;
  const { phase } = useLiveStatus();
  const onlyDemo = streams.length > 0 && streams.every(isDemo);
  if (now && streams.length === 0) return <NoStreams />;
  return (
    <Page
      title="Overview"
      lead={onlyDemo && phase === 'open' && (now?.events_per_s ?? 0) > 0 ? 'Events are arriving now. Nothing was set up: this is the built-in demo shop.' : undefined}
      actions={
        <>
          <ButtonLink to="/streams/new">Connect a stream</ButtonLink>
          <Button
            kind="primary"
            disabled={!busiest}
            onClick={() => busiest && openQuery(firstQuestion(busiest.name, typeof eventTime === 'string' ? eventTime : (eventTime?.column ?? null)))}
          >
            Query it
            <ArrowRight size={14} aria-hidden />
          </Button>
        </>
      }
    >
      <Checklist onlyDemo={onlyDemo} />
      <HealthStrip />
      <PulseCharts />
      <div className="grid min-w-0 gap-3 lg:grid-cols-[3fr_2fr]">
        <StreamsPanel streams={streams} loading={now === null} />
        <RecentQueries />
      </div>
      {busiest && <BusiestTail key={busiest.name} stream={busiest.name} columns={detail.data?.columns} />}
    </Page>
  );
}
