import { describe, expect, it } from 'vitest';
import { quoteName, quoteText } from './sqlText';

describe('quoteName', () => {
  it('leaves plain names bare', () => expect(quoteName('orders_2')).toBe('orders_2'));
  it('quotes reserved words, capitals and anything else', () => {
    expect(quoteName('order')).toBe('"order"');
    expect(quoteName('Country')).toBe('"Country"');
    expect(quoteName('a"b<script>')).toBe('"a""b<script>"');
  });
});

describe('quoteText', () => {
  it('doubles quotes', () => expect(quoteText("it's")).toBe("'it''s'"));
});
