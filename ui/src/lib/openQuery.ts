/** The way from anywhere to the Query page. */

import { useNavigate } from '@tanstack/react-router';
import { useCallback } from 'react';
import { encodeFragment } from './share';

/** Opens a statement in a tab of its own on the Query page; it is run there at once, because a person has just asked for it. */
export function useOpenQuery(): (sql: string) => void {
  const navigate = useNavigate();
  return useCallback(
    (sql: string) => {
      void encodeFragment(sql).then((hash) => navigate({ to: '/query', hash, state: { run: true } as never }));
    },
    [navigate],
  );
}
