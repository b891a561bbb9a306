import { Play } from 'lucide-react';
import type { CatalogTable } from '../../api/types';
import { Button } from '../../ui/Button';
import { Empty } from '../../ui/Empty';
import { startersFor } from './catalog/starters';

/** Before anything was run: questions that can be asked of what is here. */
export function Starters({ tables, onStart }: { tables: readonly CatalogTable[]; onStart: (sql: string) => void }) {
  const starters = tables.filter((table) => table.kind === 'stream').flatMap(startersFor).slice(0, 4);
  return (
    <Empty
      title="No result yet"
      actions={starters.map((starter) => (
        <Button key={starter.title} kind="outline" onClick={() => onStart(starter.sql)}>
          <Play size={13} aria-hidden />
          {starter.title}
        </Button>
      ))}
    >
      Write a statement and press Ctrl Enter. {starters.length > 0 && 'Or begin with one of these:'}
    </Empty>
  );
}
