import { act, fireEvent, render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { TailBuffer } from '../lib/tail';
import { LiveTable, WaitingPill } from './LiveTable';

const columns = [
  { name: 'n', type: 'BIGINT' },
  { name: 'price', type: 'DOUBLE' },
  { name: 'name', type: 'TEXT' },
];

beforeEach(() => vi.stubGlobal('ResizeObserver', class { observe() {} disconnect() {} }));

function table(tail: TailBuffer, more: Partial<Parameters<typeof LiveTable>[0]> = {}) {
  return <LiveTable label="Rows" columns={columns} view={tail.view()} onReading={() => {}} height={280} {...more} />;
}

const cells = () => screen.getAllByRole('gridcell').map((cell) => cell.textContent);

describe('LiveTable', () => {
  it('shows nulls, text that looks like HTML, exact integers, and decimals that line up', () => {
    const tail = new TailBuffer();
    tail.push([
      { n: '9223372036854775807', price: 1.5, name: '<b>x</b>' },
      { n: 1, price: 2, name: null },
    ]);
    render(table(tail));
    expect(cells()).toEqual(['1', '2.0', 'null', '9223372036854775807', '1.5', '<b>x</b>']);
  });

  it('draws only what is in sight', () => {
    const tail = new TailBuffer();
    tail.push(Array.from({ length: 1500 }, (_, n) => ({ n })));
    render(table(tail));
    expect(screen.getByRole('grid')).toHaveAttribute('aria-rowcount', '1501');
    expect(screen.getAllByRole('row').length).toBeLessThan(40);
  });

  it('tells when somebody begins and ends to read', () => {
    const told: boolean[] = [];
    render(table(new TailBuffer(), { onReading: (reading) => told.push(reading) }));
    const grid = screen.getByRole('grid');
    fireEvent.pointerEnter(grid);
    fireEvent.focus(grid);
    fireEvent.pointerLeave(grid);
    expect(told.at(-1)).toBe(true);
    fireEvent.blur(grid);
    expect(told.at(-1)).toBe(false);
  });

  it('moves between rows with j and k, and opens one with Enter', async () => {
    const tail = new TailBuffer();
    tail.push([{ n: 1 }, { n: 2 }]);
    const opened: unknown[] = [];
    render(table(tail, { onOpen: (row) => opened.push(row.values.n) }));
    act(() => screen.getByRole('grid').focus());
    await userEvent.keyboard('jj{Enter}k{Enter}');
    expect(opened).toEqual([1, 2]);
  });
});

describe('WaitingPill', () => {
  it('says how many rows wait, only while the view is held', async () => {
    const tail = new TailBuffer();
    const { rerender } = render(<WaitingPill view={tail.view()} onLatest={() => {}} />);
    expect(screen.queryByRole('button')).toBeNull();
    tail.hold(true);
    tail.push([{ n: 1 }, { n: 2 }]);
    const latest = vi.fn();
    rerender(<WaitingPill view={tail.view()} onLatest={latest} />);
    await userEvent.click(screen.getByRole('button', { name: /2 new/ }));
    expect(latest).toHaveBeenCalledOnce();
  });
});
