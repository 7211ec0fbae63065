import type { Scalar, ValueType } from '../../../core/facts.ts';

/** Whether a value that a file states is of the type, as core compares a payload's value with it. */
export function fitsType(value: Scalar | null, type: ValueType): boolean {
  if (value === null) return type === 'null';
  return type === typeof value || (type === 'integer' && Number.isInteger(value));
}
