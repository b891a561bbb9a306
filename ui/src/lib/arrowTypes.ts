/** Arrow's types in the words people use in SQL, and the few kinds the app treats differently. */

import { Type } from '@uwdata/flechette';

/** The part of flechette's type descriptions that is read here. */
export type ArrowType = {
  typeId: number;
  bitWidth?: number;
  signed?: boolean;
  precision?: number;
  scale?: number;
  unit?: number;
  timezone?: string | null;
  children?: { name: string; type: ArrowType }[] | null;
  dictionary?: ArrowType;
};

export type ArrowKind =
  | 'integer' | 'float' | 'decimal' | 'text' | 'boolean' | 'timestamp' | 'date' | 'time' | 'duration' | 'interval' | 'binary' | 'list' | 'struct' | 'map' | 'null';

export function arrowKind(type: ArrowType): ArrowKind {
  switch (type.typeId) {
    case Type.Dictionary:
      return type.dictionary === undefined ? 'text' : arrowKind(type.dictionary);
    case Type.Null:
      return 'null';
    case Type.Int:
      return 'integer';
    case Type.Float:
      return 'float';
    case Type.Decimal:
      return 'decimal';
    case Type.Bool:
      return 'boolean';
    case Type.Timestamp:
      return 'timestamp';
    case Type.Date:
      return 'date';
    case Type.Time:
      return 'time';
    case Type.Duration:
      return 'duration';
    case Type.Interval:
      return 'interval';
    case Type.Binary:
    case Type.LargeBinary:
    case Type.BinaryView:
    case Type.FixedSizeBinary:
      return 'binary';
    case Type.List:
    case Type.LargeList:
    case Type.ListView:
    case Type.LargeListView:
    case Type.FixedSizeList:
      return 'list';
    case Type.Struct:
      return 'struct';
    case Type.Map:
      return 'map';
    default:
      return 'text';
  }
}

export function isNumeric(kind: ArrowKind): boolean {
  return kind === 'integer' || kind === 'float' || kind === 'decimal';
}

/** The type as SQL names it, in lower case, as it stands under a column's name. */
export function sqlTypeName(type: ArrowType): string {
  const kind = arrowKind(type);
  switch (kind) {
    case 'integer':
      return integerName(type.typeId === Type.Dictionary && type.dictionary !== undefined ? type.dictionary : type);
    case 'float':
      return type.precision === 2 ? 'double' : 'real';
    case 'decimal':
      return `decimal(${type.precision ?? 0},${type.scale ?? 0})`;
    case 'list':
      return `array<${childName(type, 0)}>`;
    case 'struct':
      return `struct<${(type.children ?? []).map((child) => `${child.name} ${sqlTypeName(child.type)}`).join(', ')}>`;
    default:
      return kind;
  }
}

function integerName(type: ArrowType): string {
  const name = { 8: 'tinyint', 16: 'smallint', 32: 'int', 64: 'bigint' }[type.bitWidth ?? 64] ?? 'bigint';
  return type.signed === false ? `${name} unsigned` : name;
}

function childName(type: ArrowType, index: number): string {
  const child = type.children?.[index];
  return child === undefined ? '?' : sqlTypeName(child.type);
}
