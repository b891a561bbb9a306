import { render, screen } from '@testing-library/react';
import { describe, expect, it } from 'vitest';
import { slowest, StageStrip } from './StageStrip';

const stage = (name: string, age_ms: number | null, events_per_s: number | null = 400) => ({ name, age_ms, events_per_s });

describe('the slowest stage', () => {
  it('is the one that adds most', () => {
    expect(slowest([stage('source', 0), stage('fetched', 40), stage('decoded', 900), stage('stored', 1200)])).toBe('decoded');
  });
  it('is none while all are quick', () => {
    expect(slowest([stage('source', 0), stage('fetched', 40), stage('stored', 90)])).toBeNull();
  });
  it('skips what is not known', () => {
    expect(slowest([stage('source', null), stage('fetched', null), stage('stored', 500)])).toBe('stored');
  });
});

describe('StageStrip', () => {
  it('says the rate and the age at every stage', () => {
    render(<StageStrip stages={[stage('source', null), stage('stored', 500, 12.5)]} />);
    const items = screen.getAllByRole('listitem').map((item) => item.textContent?.replaceAll('\u202f', ' '));
    expect(items).toEqual(['source400/sno record lately', 'stored13/s0.50 s old, the slowest']);
  });
  it('is not there without stages', () => {
    const { container } = render(<StageStrip stages={[]} />);
    expect(container).toBeEmptyDOMElement();
  });
});
