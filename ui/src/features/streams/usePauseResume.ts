import { useMutation, useQueryClient } from '@tanstack/react-query';
import { pauseStream, resumeStream } from '../../api/streams';
import { plural } from '../../lib/format';
import { toast } from '../../ui/Toast';

/** Pauses or resumes streams, and offers the way back. */
export function usePauseResume() {
  const queries = useQueryClient();
  const change = useMutation({
    mutationFn: async ({ names, pause }: { names: readonly string[]; pause: boolean }) => {
      for (const name of names) await (pause ? pauseStream(name) : resumeStream(name));
    },
    onSuccess: (_, { names, pause }) => {
      const what = names.length === 1 ? names[0] : plural(names.length, 'stream');
      toast(`${pause ? 'Paused' : 'Resumed'} ${what}`, 'ok', { label: 'Undo', run: () => change.mutate({ names, pause: !pause }) });
    },
    onError: (error) => toast(error.message, 'crit'),
    onSettled: () => void queries.invalidateQueries({ queryKey: ['streams'] }),
  });
  return change;
}
