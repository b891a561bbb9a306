/** State that lives in the address, so that reloading, going back and sharing keep it. */

import { useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback } from 'react';
import type { Search } from './search';

export function useSearchState(): [Search, (change: Record<string, string | undefined>, options?: { push?: boolean }) => void] {
  const search = useSearch({ strict: false }) as Search;
  const navigate = useNavigate();
  const change = useCallback(
    (values: Record<string, string | undefined>, options: { push?: boolean } = {}) =>
      void navigate({
        to: '.',
        search: ((old: Search) => ({ ...old, ...values })) as never,
        hash: true,
        replace: !options.push,
        resetScroll: false,
      }),
    [navigate],
  );
  return [search, change];
}
