import { useNavigate, useParams } from '@tanstack/react-router';
import { useTitle } from '../../lib/a11y';
import { Page } from '../../ui/Panel';
import { TabPanel, Tabs } from '../../ui/Tabs';
import { NotFound } from '../../ui/NotFound';
import { AboutPart } from './AboutPart';
import { ClustersPart } from './ClustersPart';
import { HealthPart } from './HealthPart';
import { QueriesPart } from './QueriesPart';
import { SettingsPart } from './SettingsPart';
import { StoragePart } from './StoragePart';

const PARTS = [
  { value: 'health', label: 'Health', show: () => <HealthPart /> },
  { value: 'queries', label: 'Queries', show: () => <QueriesPart /> },
  { value: 'storage', label: 'Storage', show: () => <StoragePart /> },
  { value: 'clusters', label: 'Clusters', show: () => <ClustersPart /> },
  { value: 'settings', label: 'Settings', show: () => <SettingsPart /> },
  { value: 'about', label: 'About', show: () => <AboutPart /> },
] as const;

/** `/system/PART`: the process and what it keeps. */
export default function SystemPage() {
  const { part } = useParams({ strict: false });
  const navigate = useNavigate();
  const shown = PARTS.find((one) => one.value === part);
  useTitle(shown ? `${shown.label} · System` : 'System');
  if (!shown) return <NotFound />;
  return (
    <Page title="System">
      <Tabs
        label="Parts of the system"
        idPrefix="system"
        value={shown.value}
        tabs={PARTS}
        onChange={(value) => void navigate({ to: '/system/$part', params: { part: value }, resetScroll: false })}
      />
      <TabPanel idPrefix="system" value={shown.value} className="flex min-w-0 flex-col gap-3">
        {shown.show()}
      </TabPanel>
    </Page>
  );
}
