import { useTitle } from '../../lib/a11y';
import { Page } from '../../ui/Panel';

export default function SystemPage() {
  useTitle('System');
  return <Page title="System">{null}</Page>;
}
