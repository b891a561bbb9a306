import { useQuery } from '@tanstack/react-query';
import { streamQuery } from '../../../api/streams';
import { token } from '../../../api/token';
import { formatExact } from '../../../lib/format';
import { ButtonLink } from '../../../ui/Button';
import { Code } from '../../../ui/Code';
import { Status } from '../../../ui/Status';
import { curlLine } from './statement';

/** A stream over HTTP waits for its first record here, and says so the moment it is there. */
export function Listening({ name, example }: { name: string; example: string | null }) {
  const stream = useQuery({ ...streamQuery(name), refetchInterval: ({ state }) => (Number(state.data?.n_rows ?? 0) > 0 ? false : 1000) });
  const nRows = Number(stream.data?.n_rows ?? 0);
  return (
    <div className="flex max-w-3xl flex-col gap-3">
      <Code label="Push a record" text={curlLine(location.origin, name, example ?? '{"id": 1, "at": "2026-11-21T12:00:00Z", "page": "/"}', token.get() !== null)} />
      <p role="status" className="flex items-center gap-2 text-sm">
        {nRows > 0 ? (
          <Status tone="ok">{`${formatExact(nRows)} ${nRows === 1 ? 'record has' : 'records have'} arrived.`}</Status>
        ) : (
          <>
            <span aria-hidden className="live-dot text-accent" />
            Listening for the first record…
          </>
        )}
      </p>
      <div>
        <ButtonLink kind={nRows > 0 ? 'primary' : 'outline'} to="/streams/$name" params={{ name }}>
          Go to {name}
        </ButtonLink>
      </div>
    </div>
  );
}
