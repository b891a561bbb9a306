import { useTitle } from '../../lib/a11y';
import { Page } from '../../ui/Panel';

export default function OverviewPage() {
  useTitle('Overview');
  return <Page title="Overview">{null}</Page>;
}
