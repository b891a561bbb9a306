/** The draft of this visit: in memory, and a moment later on the server, so that leaving and coming back resumes it. */

import { useNavigate } from '@tanstack/react-router';
import { useCallback, useEffect, useRef, useState } from 'react';
import { asApiError } from '../../../api/client';
import { useSearchState } from '../../../lib/useSearchValue';
import { emptyDraft, reachable, stepsOf, STEPS, type Draft, type Step } from './draft';
import { forgetDraft, keepDraft, readDraft } from './wizardApi';

const KEEP_AFTER_MS = 600;

export type Wizard = {
  draft: Draft;
  step: Step;
  /** Null while an earlier draft is being read. */
  isLoading: boolean;
  failure: unknown;
  change: (change: Partial<Draft> | ((draft: Draft) => Draft)) => void;
  goTo: (step: Step) => void;
  next: () => void;
  back: () => void;
  /** The stream exists, and the draft has done its work. */
  forget: () => void;
};

const makeId = () => `d_${crypto.getRandomValues(new Uint32Array(2)).join('').slice(0, 12)}`;

/** A draft of an earlier version lacks what it did not know of. */
function completed(kept: Draft): Draft {
  const draft = { ...emptyDraft(), ...kept };
  return { ...draft, columns: draft.columns.map((column) => ({ ...column, path: column.path ?? column.name })) };
}

export function useDraft(): Wizard {
  const [search, changeSearch] = useSearchState();
  const navigate = useNavigate();
  const wantedId = search.draft ?? '';
  const [draftId, setDraftId] = useState(() => wantedId || makeId());
  const [draft, setDraft] = useState<Draft>(emptyDraft);
  const [isLoading, setLoading] = useState(wantedId !== '');
  const [failure, setFailure] = useState<unknown>(null);
  const isChanged = useRef(false);
  const kept = useRef<'not yet' | 'kept' | 'forgotten'>(wantedId === '' ? 'not yet' : 'kept');

  useEffect(() => {
    if (wantedId === '' || isChanged.current) return;
    let isGone = false;
    readDraft(wantedId)
      .then((kept) => !isGone && setDraft(completed(kept)))
      .catch((error: unknown) => {
        if (isGone) return;
        // A draft that is gone is begun anew under a number of its own.
        if (asApiError(error).code !== 'not_found') return setFailure(error);
        kept.current = 'not yet';
        setDraftId(makeId());
      })
      .finally(() => !isGone && setLoading(false));
    return () => {
      isGone = true;
    };
  }, [wantedId]);

  useEffect(() => {
    if (!isChanged.current || kept.current === 'forgotten') return;
    const timer = setTimeout(() => {
      if (kept.current === 'forgotten') return;
      kept.current = 'kept';
      keepDraft(draftId, draft).then(() => setFailure(null), setFailure);
    }, KEEP_AFTER_MS);
    return () => clearTimeout(timer);
  }, [draft, draftId]);

  const change = useCallback((part: Partial<Draft> | ((draft: Draft) => Draft)) => {
    isChanged.current = true;
    setDraft((old) => (typeof part === 'function' ? part(old) : { ...old, ...part }));
  }, []);
  const goTo = useCallback((to: Step) => changeSearch({ step: to, draft: draftId }, { push: true }), [changeSearch, draftId]);

  const steps = stepsOf(draft);
  const asked = STEPS.find((each) => each === search.step) ?? 'source';
  // An address may name a step that this draft has not come to, or does not have.
  const step = reachable(draft, asked) ? asked : ([...steps].reverse().find((each) => reachable(draft, each) && steps.indexOf(each) <= Math.max(0, STEPS.indexOf(asked))) ?? 'source');
  const move = (by: number) => {
    const to = steps[steps.indexOf(step) + by];
    if (to !== undefined) goTo(to);
    else if (by < 0) void navigate({ to: '/streams' });
  };
  const forget = () => {
    const wasKept = kept.current === 'kept';
    kept.current = 'forgotten';
    // A draft that stays behind takes a little room and does no harm.
    if (wasKept) forgetDraft(draftId).catch(() => undefined);
  };
  return { draft, step, isLoading, failure, change, goTo, next: () => move(1), back: () => move(-1), forget };
}
