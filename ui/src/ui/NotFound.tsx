import { useLocation } from '@tanstack/react-router';
import { useTitle } from '../lib/a11y';
import { ButtonLink } from './Button';
import { Empty } from './Empty';
import { Page } from './Panel';

/** An address that leads nowhere: says what was asked for. */
export function NotFound() {
  const { pathname } = useLocation();
  useTitle('Not found');
  return (
    <Page title="Nothing here">
      <Empty title={<span className="font-mono break-all">{pathname}</span>} actions={<ButtonLink to="/">Go to Overview</ButtonLink>}>
        There is no page at this address. It may belong to a newer version, or a character of the link was lost.
      </Empty>
    </Page>
  );
}
