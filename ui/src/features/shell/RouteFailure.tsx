import type { ErrorComponentProps } from '@tanstack/react-router';
import { Failure } from '../../ui/Empty';
import { Page } from '../../ui/Panel';

/** A page that broke; the frame around it and every other page still work. */
export function RouteFailure({ error }: ErrorComponentProps) {
  return (
    <Page title="This page broke">
      <Failure error={error} doing="showing the page" onRetry={() => location.reload()} />
    </Page>
  );
}
