import { useTitle } from '../../lib/a11y';
import { Page } from '../../ui/Panel';

export default function QuarantinePage() {
  useTitle('Quarantine');
  return <Page title="Quarantine">{null}</Page>;
}
