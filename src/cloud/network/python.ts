/** How Python would print a value, since Neutron's messages quote what the caller sent. */

/** `str(value)`: text as it is, everything else as `repr`. */
export const str = (value: unknown): string => (typeof value === 'string' ? value : repr(value))

/** `repr(value)` of what JSON can hold. */
export function repr(value: unknown): string {
  if (value === null || value === undefined) return 'None'
  if (value === true) return 'True'
  if (value === false) return 'False'
  if (typeof value === 'string') return quoted(value)
  if (Array.isArray(value)) return `[${value.map(repr).join(', ')}]`
  if (typeof value === 'object')
    return `{${Object.entries(value)
      .map(([key, held]) => `${quoted(key)}: ${repr(held)}`)
      .join(', ')}}`
  return String(value)
}

const quoted = (text: string): string => {
  const mark = text.includes("'") && !text.includes('"') ? '"' : "'"
  return mark + text.replaceAll('\\', '\\\\').replaceAll(mark, `\\${mark}`).replaceAll('\n', '\\n') + mark
}
