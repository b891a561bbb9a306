import { useState } from 'react';
import { setPreference, usePreferences } from '../../lib/preferences';
import { Dialog } from '../../ui/Dialog';
import { Checkbox, Input } from '../../ui/Field';
import { Kbd } from '../../ui/Kbd';
import { PAGES } from './pages';

const GROUPS: readonly { name: string; keys: readonly (readonly [string, string])[] }[] = [
  {
    name: 'Everywhere',
    keys: [['mod+k', 'Search and act'], ['?', 'Show this sheet'], ...PAGES.map(({ keys, name }) => [keys, `Go to ${name}`] as const)],
  },
  {
    name: 'Lists',
    keys: [['/', 'Filter']],
  },
  {
    name: 'Tail',
    keys: [
      ['p', 'Pause and go on'],
      ['.', 'Jump to the latest row'],
      ['j', 'Next row'],
      ['k', 'Previous row'],
      ['enter', 'Open the row'],
    ],
  },
  {
    name: 'Query',
    keys: [
      ['mod+enter', 'Run the statement under the cursor, or the selection'],
      ['shift+mod+enter', 'Run all statements'],
      ['escape', 'Cancel what runs'],
      ['mod+s', 'Save'],
      ['shift+alt+f', 'Format'],
      ['mod+/', 'Comment'],
      ['mod+f', 'Find'],
      ['Ctrl-Space', 'Complete'],
      ['alt+t', 'New tab'],
      ['alt+w', 'Close tab'],
      ['shift+alt+t', 'Reopen tab'],
      ['alt+1', 'Go to tab 1, and so on'],
      ['alt+g', 'Show or hide the catalogue'],
    ],
  },
  {
    name: 'Result of a query',
    keys: [
      ['alt+↓', 'Go to the rows'],
      ['alt+↑', 'Go back to the editor'],
      ['alt+c', 'Chart or table'],
      ['mod+c', 'Copy the chosen cells'],
      ['mod+a', 'Choose all cells'],
      ['enter', 'Show the whole cell'],
      ['s', 'Sort by the column'],
    ],
  },
];

/** Every shortcut, searchable, and the switch for those of a single key. */
export function ShortcutSheet({ open, onClose }: { open: boolean; onClose: () => void }) {
  const [filter, setFilter] = useState('');
  const { shortcuts } = usePreferences();
  const wanted = filter.trim().toLowerCase();
  const groups = GROUPS.map(({ name, keys }) => ({ name, keys: keys.filter(([, does]) => does.toLowerCase().includes(wanted)) })).filter(({ keys }) => keys.length > 0);
  return (
    <Dialog open={open} onClose={onClose} title="Keyboard shortcuts" wide>
      <Input aria-label="Find a shortcut" placeholder="Find a shortcut" value={filter} onChange={(event) => setFilter(event.target.value)} />
      <div className="gap-x-8 md:columns-2">
        {groups.map(({ name, keys }) => (
          <section key={name} className="mb-4 break-inside-avoid">
            <h3 className="mb-1 text-xs font-semibold text-text-3">{name}</h3>
            <dl>
              {keys.map(([key, does]) => (
                <div key={key} className="flex items-center justify-between gap-4 border-t border-line py-1">
                  <dt>{does}</dt>
                  <dd className="shrink-0">
                    <Kbd keys={key} />
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
        {groups.length === 0 && <p className="text-text-3">No shortcut does that.</p>}
      </div>
      <Checkbox
        label="Act on single keys. Switch this off if you dictate or type with a switch."
        checked={shortcuts === 'on'}
        onChange={(event) => setPreference('shortcuts', event.target.checked ? 'on' : 'off')}
      />
    </Dialog>
  );
}
