/** Parses a query string as WebOb does: `&` or `;` between parameters, blank values kept, UTF-8 only. */
import { Fault } from '../../compute/faults.ts'
import type { Query } from './validate.ts'

const strict = new TextDecoder('utf-8', { fatal: true })

/** Throws a `Fault` when a name or value is no UTF-8. */
export function parseQuery(text: string): Query {
  const out: Query = {}
  if (text === '') return out
  for (const piece of text.split(/[&;]/)) {
    if (piece === '') continue
    const mark = piece.indexOf('=')
    const key = decode(mark < 0 ? piece : piece.slice(0, mark))
    const value = mark < 0 ? '' : decode(piece.slice(mark + 1))
    if (Object.hasOwn(out, key)) out[key]!.push(value)
    // A plain assignment to `__proto__` would not make a key
    else Object.defineProperty(out, key, { value: [value], enumerable: true, writable: true, configurable: true })
  }
  return out
}

function decode(text: string): string {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text
  if (!spaced.includes('%')) return spaced
  try {
    return decodeURIComponent(spaced)
  } catch {
    return bytes(spaced)
  }
}

/** Percent signs that escape nothing stay as they are; bytes that are no UTF-8 are refused. */
function bytes(text: string): string {
  const binary = Buffer.from(text)
    .toString('latin1')
    .replace(/%([0-9a-fA-F]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))
  try {
    return strict.decode(Buffer.from(binary, 'latin1'))
  } catch {
    throw new Fault('queryNotUtf8')
  }
}

/** The value that counts where one is wanted: the last (WebOb's MultiDict). */
export const last = (query: Readonly<Record<string, readonly string[] | undefined>>, name: string): string | undefined =>
  query[name]?.at(-1)
