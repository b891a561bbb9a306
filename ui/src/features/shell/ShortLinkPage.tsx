import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams } from '@tanstack/react-router';
import { useEffect } from 'react';
import { request } from '../../api/client';
import { useTitle } from '../../lib/a11y';
import { ButtonLink } from '../../ui/Button';
import { Failure } from '../../ui/Empty';
import { Page } from '../../ui/Panel';
import { Skeleton } from '../../ui/Skeleton';

/** `/s/ID`: goes to where a short link points. */
export default function ShortLinkPage() {
  const { id } = useParams({ strict: false });
  const navigate = useNavigate();
  useTitle('Short link');
  const link = useQuery({
    queryKey: ['link', id],
    queryFn: ({ signal }) => request<{ path: string }>(`/api/v1/links/${encodeURIComponent(id ?? '')}`, { signal }),
  });
  const path = link.data?.path;
  useEffect(() => {
    // Only addresses of this app: a link must not lead people elsewhere.
    if (path?.startsWith('/') && !path.startsWith('//')) void navigate({ href: path, replace: true });
  }, [path, navigate]);
  if (!link.isError) return <Skeleton label="Opening the link" />;
  return (
    <Page title="This link leads nowhere">
      <Failure error={link.error} doing={`opening short link ${id}`} onRetry={() => void link.refetch()} />
      <div>
        <ButtonLink to="/query">Go to Query</ButtonLink>
      </div>
    </Page>
  );
}
