/** Values as oslo.utils reads them. */

/** oslo_utils.strutils.bool_from_string in its strict form: undefined for what is neither. */
export function booleanFrom(value: unknown): boolean | undefined {
  if (typeof value === 'boolean') return value
  const text = String(value).trim().toLowerCase()
  if (['1', 't', 'true', 'on', 'y', 'yes'].includes(text)) return true
  return ['0', 'f', 'false', 'off', 'n', 'no'].includes(text) ? false : undefined
}
