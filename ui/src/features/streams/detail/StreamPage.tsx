import { useTitle } from '../../../lib/a11y';
import { Page } from '../../../ui/Panel';

export default function StreamPage() {
  useTitle('Stream');
  return <Page title="Stream">{null}</Page>;
}
