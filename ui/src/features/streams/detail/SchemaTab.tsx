import { useState } from 'react';
import type { StreamDetail } from '../../../api/types';
import { AlterBox } from './AlterBox';
import { ColumnTable } from './ColumnTable';
import { SchemaHistory } from './SchemaHistory';

/** The columns, what is in them, how they came to be, and how to change them. */
export function SchemaTab({ stream }: { stream: StreamDetail }) {
  // Counted, so that proposing the same statement again still takes the reader to it.
  const [proposed, setProposed] = useState({ statement: '', n: 0 });
  const propose = (statement: string) => setProposed(({ n }) => ({ statement, n: n + 1 }));
  return (
    <>
      <ColumnTable stream={stream} onAlter={propose} />
      <AlterBox key={proposed.n} stream={stream} proposed={proposed.statement} />
      <SchemaHistory stream={stream} onAlter={propose} />
    </>
  );
}
