import { describe, expect, it } from 'vitest';
import { fixSql, sqlPath, sqlValue } from './fixes';

describe('fixes', () => {
  it('quote the steps of a path that need it', () => {
    expect(sqlPath('a.b[2]')).toBe('a.b[2]');
    expect(sqlPath('items[].unitPrice')).toBe('items[]."unitPrice"');
  });
  it('tell numbers from text, and keep every digit', () => {
    expect(['12.5', '9223372036854775807', 'true', "it's", '007', ''].map(sqlValue)).toEqual(['12.5', '9223372036854775807', 'true', "'it''s'", "'007'", "''"]);
  });
  it('say nothing while something is missing', () => {
    expect(fixSql('none', '', '')).toBeNull();
    expect(fixSql('default', 'price', '')).toBeUndefined();
    expect(fixSql('null', '', '')).toBeUndefined();
    expect(fixSql('edit', '', '')).toBeUndefined();
  });
  it('are what the server reads', () => {
    expect(fixSql('null', 'price', '')).toBe('SET price = NULL');
    expect(fixSql('default', 'price', '0')).toBe('SET price = 0');
    expect(fixSql('rename', 'prise', 'price')).toBe('RENAME prise TO price');
    expect(fixSql('drop', 'a.b', '')).toBe('DROP a.b');
    expect(fixSql('edit', '', '{"a":"it\'s"}')).toBe('SET PAYLOAD = \'{"a":"it\'\'s"}\'');
  });
});
