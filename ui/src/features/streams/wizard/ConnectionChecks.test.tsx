import { render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, expect, it, vi } from 'vitest';
import { ConnectionChecks } from './ConnectionChecks';

const CHECKS = [
  { check: 'dns', state: 'ok', ms: 2, message: 'localhost is 127.0.0.1', hint: null },
  { check: 'tls', state: 'skipped', ms: null, message: 'not asked for', hint: null },
  { check: 'read', state: 'failed', ms: 8, message: 'not allowed', hint: 'Grant READ on the topic.' },
];

afterEach(() => vi.unstubAllGlobals());

it('tells each check with its time, and what to change where one fails', async () => {
  const lines = CHECKS.map((check) => JSON.stringify(check)).join('\n');
  // The answer is cut at places where no line ends.
  const pieces = [lines.slice(0, 25), lines.slice(25, 100), lines.slice(100)].map((piece) => new TextEncoder().encode(piece));
  const body = () => new ReadableStream({ start: (stream) => (pieces.forEach((piece) => stream.enqueue(piece)), stream.close()) });
  vi.stubGlobal('fetch', async () => new Response(body()));
  const { rerender } = render(<ConnectionChecks statement="CREATE STREAM a FROM KAFKA ()" />);
  await userEvent.click(screen.getByRole('button', { name: 'Check the connection' }));
  await screen.findByText('One of the checks failed. You may go on and mend it later.');
  const items = screen.getAllByRole('listitem');
  expect(items).toHaveLength(3);
  expect(within(items[0] as HTMLElement).getByText('localhost is 127.0.0.1')).toBeVisible();
  expect(within(items[2] as HTMLElement).getByText('Grant READ on the topic.')).toBeVisible();
  // Other settings: what was said no longer holds.
  rerender(<ConnectionChecks statement="CREATE STREAM b FROM KAFKA ()" />);
  expect(screen.queryAllByRole('listitem')).toHaveLength(0);
});

it('waits until there is something to check', () => {
  render(<ConnectionChecks statement={null} />);
  expect(screen.getByRole('button', { name: 'Check the connection' })).toBeDisabled();
});
