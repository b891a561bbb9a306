import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { useState } from 'react';
import { describe, expect, it } from 'vitest';
import { TabPanel, Tabs } from './Tabs';

function Example() {
  const [value, setValue] = useState<'a' | 'b' | 'c'>('a');
  return (
    <>
      <Tabs label="Parts" idPrefix="x" value={value} onChange={setValue} tabs={(['a', 'b', 'c'] as const).map((one) => ({ value: one, label: one.toUpperCase() }))} />
      <TabPanel idPrefix="x" value={value}>
        panel {value}
      </TabPanel>
    </>
  );
}

describe('Tabs', () => {
  it('names its panel, and moves around with the arrow keys', async () => {
    render(<Example />);
    await userEvent.tab();
    expect(screen.getByRole('tab', { name: 'A' })).toHaveFocus();
    await userEvent.keyboard('{ArrowLeft}');
    expect(screen.getByRole('tab', { name: 'C' })).toHaveFocus();
    expect(screen.getByRole('tabpanel', { name: 'C' })).toHaveTextContent('panel c');
    await userEvent.keyboard('{Home}');
    expect(screen.getByRole('tab', { name: 'A' })).toHaveAttribute('aria-selected', 'true');
  });
  it('has one stop of the Tab key', () => {
    render(<Example />);
    expect(screen.getAllByRole('tab').filter((tab) => tab.tabIndex === 0)).toHaveLength(1);
  });
});
