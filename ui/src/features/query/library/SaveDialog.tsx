import { useState } from 'react';
import { Button } from '../../../ui/Button';
import { Dialog } from '../../../ui/Dialog';
import { Field, Input } from '../../../ui/Field';
import { useSavedQueries } from './saved';

type Props = { open: boolean; title: string; folder: string; onClose: () => void; onSave: (title: string, folder: string) => void };

/** Asks for a name the first time; after that, saving overwrites without asking. */
export default function SaveDialog({ open, onClose, ...rest }: Props) {
  return (
    <Dialog open={open} title="Save query" onClose={onClose}>
      {open && <Form {...rest} onClose={onClose} />}
    </Dialog>
  );
}

function Form({ title, folder, onClose, onSave }: Omit<Props, 'open'>) {
  const [name, setName] = useState(title);
  const [place, setPlace] = useState(folder);
  const folders = [...new Set((useSavedQueries().data ?? []).map((query) => query.folder))].filter((each) => each !== '');
  return (
    <form
      className="flex flex-col gap-3"
      onSubmit={(event) => {
        event.preventDefault();
        if (name.trim() !== '') onSave(name.trim(), place.trim());
      }}
    >
      <Field label="Name">{(slots) => <Input {...slots} autoFocus required value={name} onChange={(event) => setName(event.target.value)} onFocus={(event) => event.target.select()} />}</Field>
      <Field label="Folder" hint="May be left empty.">
        {(slots) => <Input {...slots} list="saved-folders" value={place} onChange={(event) => setPlace(event.target.value)} />}
      </Field>
      <datalist id="saved-folders">
        {folders.map((each) => (
          <option key={each} value={each} />
        ))}
      </datalist>
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" kind="primary">
          Save query
        </Button>
      </div>
    </form>
  );
}
