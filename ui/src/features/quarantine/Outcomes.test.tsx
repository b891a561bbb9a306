import { render, screen } from '@testing-library/react';
import { describe, expect, it } from 'vitest';
import { Outcomes } from './Outcomes';

const outcome = (word: string, n_records: number, reason: string | null = null) => ({ outcome: word, reason, path: null, n_records, sample: null });

describe('Outcomes', () => {
  it('counts what would pass, whichever way it leaves quarantine', () => {
    render(<Outcomes title="What would happen" outcomes={[outcome('would pass', 200), outcome('would be deduplicated', 12), outcome('would stay', 2, 'required field is missing')]} />);
    expect(screen.getByText('212 of 214 would pass')).toBeInTheDocument();
    expect(screen.getByText('required field is missing')).toBeInTheDocument();
  });
  it('says what became of them', () => {
    render(<Outcomes title="What became of them" outcomes={[outcome('stored', 3), outcome('still quarantined', 1)]} />);
    expect(screen.getByText('3 of 4 went through')).toBeInTheDocument();
  });
});
