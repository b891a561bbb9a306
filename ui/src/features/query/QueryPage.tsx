import { useTitle } from '../../lib/a11y';
import { Page } from '../../ui/Panel';

export default function QueryPage() {
  useTitle('Query');
  return <Page title="Query">{null}</Page>;
}
