import { useEffect, useState, useSyncExternalStore, type FormEvent } from 'react';
import { token } from '../../api/token';
import { Button } from '../../ui/Button';
import { Dialog } from '../../ui/Dialog';
import { Field, Input } from '../../ui/Field';

/** Asks for the access token when the server wants one; what waited for it goes on afterwards. */
export function TokenDialog() {
  const needed = useSyncExternalStore(token.subscribe, token.isNeeded);
  const refused = useSyncExternalStore(token.subscribe, token.isRefused);
  const [value, setValue] = useState('');
  const [hidden, setHidden] = useState(false);
  // Put away, it stays away until a token was given; then whoever needs another one asks again.
  useEffect(() => setHidden(false), [needed]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (value.trim()) token.set(value.trim());
    setValue('');
  };
  return (
    <>
      <Dialog open={needed && !hidden} title="This server asks for a token" onClose={() => setHidden(token.isNeeded())}>
        <form onSubmit={submit} className="flex flex-col gap-3">
          <Field label="Access token" error={refused ? 'The server does not take the token that was given, or not any more.' : undefined} hint="It was printed once, when the server first listened beyond this machine. It is kept for this browser tab only.">
            {(slots) => <Input {...slots} type="password" value={value} onChange={(event) => setValue(event.target.value)} />}
          </Field>
          <Button kind="primary" type="submit" disabled={value.trim() === ''}>
            Continue
          </Button>
        </form>
      </Dialog>
      {needed && hidden && (
        <div className="fixed inset-x-3 bottom-16 z-30 flex items-center justify-between gap-3 rounded-lg border border-line-strong bg-raised p-3 shadow-pop md:inset-x-auto md:right-3 md:bottom-3">
          <span>Nothing can be loaded without a token.</span>
          <Button kind="primary" onClick={() => setHidden(false)}>
            Enter the token
          </Button>
        </div>
      )}
    </>
  );
}
