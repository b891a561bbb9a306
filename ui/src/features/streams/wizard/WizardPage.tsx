import { useTitle } from '../../../lib/a11y';
import { Page } from '../../../ui/Panel';

export default function WizardPage() {
  useTitle('Connect a stream');
  return <Page title="Connect a stream">{null}</Page>;
}
