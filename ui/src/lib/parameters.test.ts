import { describe, expect, it } from 'vitest';
import { inputKind, parametersFromSearch, parametersIn, parametersToSend, parameterValue, searchWithParameters, toServerSyntax } from './parameters';

describe('finding parameters', () => {
  it('knows both spellings, each name once, in order', () => {
    expect(parametersIn('select :from_ts, $limit_n, :from_ts')).toEqual(['from_ts', 'limit_n']);
  });

  it('does not take casts, slices, text, comments or dollar quotes for parameters', () => {
    expect(parametersIn(`select x::int, a[1:2], ':no', -- :no\n $t$ :no $t$, "a:no", b->>'x'`)).toEqual([]);
  });

  it('writes them as the server wants them, without moving anything', () => {
    const sql = "select :a, x::int, ':b' where t > :a and u = $c";
    const written = toServerSyntax(sql);
    expect(written).toBe("select $a, x::int, ':b' where t > $a and u = $c");
    expect(written.length).toBe(sql.length);
  });
});

describe('values', () => {
  it('follow the type the server found, else the name', () => {
    expect(inputKind('since', null)).toBe('timestamp');
    expect(inputKind('since', 'BIGINT')).toBe('number');
    expect(inputKind('limit_n', null)).toBe('number');
    expect(inputKind('country', null)).toBe('text');
    expect(inputKind('limit', 'TEXT')).toBe('text');
  });

  it('keep every digit of numbers that a double cannot hold', () => {
    expect(parameterValue('12.5', 'number')).toBe(12.5);
    expect(parameterValue('9007199254740993', 'number')).toBe('9007199254740993');
    expect(parameterValue('0.1000000000000000055', 'number')).toBe('0.1000000000000000055');
    expect(parameterValue('12abc', 'number')).toBe('12abc');
    expect(parameterValue('', 'number')).toBeNull();
    expect(parameterValue('007', 'text')).toBe('007');
    expect(parameterValue('TRUE', 'boolean')).toBe(true);
  });

  it('are an object by name, or a list by number', () => {
    expect(parametersToSend('select :a, :n', { a: 'x', n: '5' }, { n: 'INT' })).toEqual({ a: 'x', n: 5 });
    expect(parametersToSend('select $2, $1', { 1: 'x', 2: 'y' })).toEqual(['x', 'y']);
    expect(parametersToSend('select 1', {})).toBeUndefined();
  });
});

describe('values in the address', () => {
  it('come back as they were, whatever they hold', () => {
    const values = { country: 'D&E=ß', since: '2026-11-21T06:00Z' };
    const search = searchWithParameters('?view=chart&p.old=1', values);
    expect(new URLSearchParams(search).get('view')).toBe('chart');
    expect(parametersFromSearch(search)).toEqual(values);
  });

  it('are left out when empty', () => {
    expect(searchWithParameters('?p.a=1', { a: '' })).toBe('');
  });
});
