import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, it, vi } from 'vitest';
import { ParameterBar } from './ParameterBar';

it('asks for each parameter in the way of its type, and runs on Enter in any of them', async () => {
  const onRun = vi.fn();
  const onChange = vi.fn();
  render(<ParameterBar names={['country', 'since']} types={{ country: 'BIGINT', since: null }} values={{ since: 'x' }} onChange={onChange} onRun={onRun} />);
  expect(screen.getByRole('textbox', { name: ':country' })).toHaveAttribute('inputmode', 'decimal');
  expect(screen.getByRole('textbox', { name: ':since' })).toHaveValue('x');
  await userEvent.type(screen.getByRole('textbox', { name: ':country' }), '4{Enter}');
  expect(onChange).toHaveBeenCalledWith('country', '4');
  expect(onRun).toHaveBeenCalledOnce();
});

it('is not there where there is nothing to ask', () => {
  const { container } = render(<ParameterBar names={[]} types={{}} values={{}} onChange={vi.fn()} onRun={vi.fn()} />);
  expect(container).toBeEmptyDOMElement();
});
