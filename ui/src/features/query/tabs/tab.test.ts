import { describe, expect, it } from 'vitest';
import { activeTab, changed, closed, moved, newTab, opened, reopened, titleOf, type Tabs } from './tab';

const state = (): Tabs => ({ tabs: ['a', 'b', 'c'].map((id) => newTab(id, { sql: `select '${id}'` })), activeId: 'b', closed: [] });
const ids = (tabs: Tabs) => tabs.tabs.map((tab) => tab.id).join('');

describe('closing', () => {
  it('goes to the neighbour, and can be undone', () => {
    const after = closed(state(), 'b', 'x');
    expect(ids(after)).toBe('ac');
    expect(after.activeId).toBe('c');
    const back = reopened(after);
    expect(ids(back)).toBe('acb');
    expect(activeTab(back).sql).toBe("select 'b'");
    expect(back.closed).toEqual([]);
  });

  it('of another tab leaves the front one in front', () => {
    expect(closed(state(), 'a', 'x').activeId).toBe('b');
  });

  it('of the last one leaves an empty one, and empty ones are not remembered', () => {
    const only: Tabs = { tabs: [newTab('a')], activeId: 'a', closed: [] };
    const after = closed(only, 'a', 'x');
    expect(ids(after)).toBe('x');
    expect(after.activeId).toBe('x');
    expect(after.closed).toEqual([]);
    expect(reopened(after)).toBe(after);
  });
});

it('moves tabs, also past the ends', () => {
  expect(ids(moved(state(), 'a', 2))).toBe('bca');
  expect(ids(moved(state(), 'c', -5))).toBe('cab');
  expect(ids(moved(state(), 'nobody', 0))).toBe('abc');
});

it('changes one tab only, and opens new ones in front', () => {
  const after = opened(changed(state(), 'a', { sql: 'select 1' }), newTab('d'));
  expect(after.tabs.map((tab) => tab.sql)).toEqual(['select 1', "select 'b'", "select 'c'", '']);
  expect(after.activeId).toBe('d');
});

it('names a tab by its person, its first comment, its text, or its number', () => {
  expect(titleOf(newTab('a', { title: 'Mine', isNamed: true, sql: 'select 1' }), 0)).toBe('Mine');
  expect(titleOf(newTab('a', { sql: '-- Revenue per second\nselect 1' }), 0)).toBe('Revenue per second');
  expect(titleOf(newTab('a', { sql: `select ${'x'.repeat(80)}` }), 0)).toHaveLength(32);
  expect(titleOf(newTab('a'), 4)).toBe('Untitled 5');
});
