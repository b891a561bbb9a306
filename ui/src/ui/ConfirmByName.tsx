import { useState, type ReactNode } from 'react';
import { Button } from './Button';
import { Dialog } from './Dialog';
import { Field, Input } from './Field';

/** Asks for the name of what will be gone for good, so that no slip of the hand removes it. */
export function ConfirmByName({
  open,
  title,
  name,
  verb,
  busy,
  children,
  onConfirm,
  onClose,
}: {
  open: boolean;
  title: string;
  name: string;
  verb: string;
  busy: boolean;
  children: ReactNode;
  onConfirm: () => void;
  onClose: () => void;
}) {
  const [typed, setTyped] = useState('');
  const close = () => {
    setTyped('');
    onClose();
  };
  return (
    <Dialog
      open={open}
      title={title}
      onClose={close}
      actions={
        <>
          <Button kind="outline" onClick={close}>
            Keep it
          </Button>
          <Button kind="danger" disabled={typed !== name || busy} onClick={onConfirm}>
            {verb}
          </Button>
        </>
      }
    >
      {children}
      <Field
        label={
          <>
            Type <b className="isolate-text font-mono">{name}</b> to go on
          </>
        }
      >
        {(slots) => <Input {...slots} value={typed} onChange={(event) => setTyped(event.target.value)} />}
      </Field>
    </Dialog>
  );
}
