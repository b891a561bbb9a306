import { useTitle } from '../../../lib/a11y';
import { Page } from '../../../ui/Panel';

export default function StreamsPage() {
  useTitle('Streams');
  return <Page title="Streams">{null}</Page>;
}
