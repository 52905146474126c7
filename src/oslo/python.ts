/** Writes JSON values as Python would: messages of Nova and of its neighbours quote them with `repr` and `str`. */

/** Python's `repr` of a parsed JSON value. */
export function repr(value: unknown): string {
  if (value === null || value === undefined) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (typeof value === 'string') return quoted(value)
  if (typeof value === 'number') return number(value)
  if (Array.isArray(value)) return `[${value.map(repr).join(', ')}]`
  if (typeof value === 'object')
    return `{${Object.entries(value)
      .map(([key, item]) => `${quoted(key)}: ${repr(item)}`)
      .join(', ')}}`
  return String(value)
}

/** Python's `str`: a text as it is, all else as `repr`. */
export const str = (value: unknown): string => (typeof value === 'string' ? value : repr(value))

const escapes: Record<string, string> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }
const unprintable = /[\\\n\r\t]|[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu

function quoted(text: string): string {
  if (/^[ -&(-[\]-~]*$/.test(text)) return `'${text}'`
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  const body = text.replace(unprintable, (char) => escapes[char] ?? code(char.codePointAt(0)!))
  return `${quote}${quote === "'" ? body.replaceAll("'", "\\'") : body}${quote}`
}

function code(point: number): string {
  if (point < 0x100) return `\\x${point.toString(16).padStart(2, '0')}`
  return point < 0x10000 ? `\\u${point.toString(16).padStart(4, '0')}` : `\\U${point.toString(16).padStart(8, '0')}`
}

function number(value: number): string {
  if (Number.isSafeInteger(value)) return String(value)
  const text = String(value)
  // JavaScript writes exponents with a single digit and small numbers as 1e-7 where Python writes 1e-07
  return text.replace(/e([+-])(\d)$/, 'e$10$2')
}

/** What Python's `int()`, then `float()`, make of a value; undefined where both refuse. */
export function numberFrom(value: unknown): number | undefined {
  if (typeof value === 'number') return value
  if (typeof value === 'boolean') return value ? 1 : 0
  if (typeof value !== 'string') return undefined
  const text = value.trim().replace(/(?<=\d)_(?=\d)/g, '')
  return /^[+-]?(\d+\.?\d*(e[+-]?\d+)?|\.\d+(e[+-]?\d+)?)$/i.test(text) ? Number(text) : undefined
}

/** What Python's `int()` makes of a value; undefined where it refuses. */
export function integerFrom(value: unknown): number | undefined {
  if (typeof value === 'number') return Math.trunc(value)
  if (typeof value === 'boolean') return Number(value)
  return typeof value === 'string' && /^\s*[+-]?\d+(_\d+)*\s*$/.test(value) ? Number(value.replaceAll('_', '')) : undefined
}
