/** From which microversion to which something holds. Both ends belong to it. */
import { type Microversion, type Minor, minorOf } from './history.ts'

export interface Span {
  readonly since: Minor
  readonly until: Minor
}

export const always: Span = { since: 0, until: Number.POSITIVE_INFINITY }

export const holds = (span: Span, minor: Minor): boolean => span.since <= minor && minor <= span.until

export const from = (span: Span, version: Microversion): Span => ({ ...span, since: minorOf(version) })

export const upTo = (span: Span, version: Microversion): Span => ({ ...span, until: minorOf(version) })

/** A value that holds for a while: an enum member, a keyword. */
export interface Spanned<T> {
  readonly value: T
  readonly span: Span
}

export const since = <T>(version: Microversion, value: T): Spanned<T> => ({ value, span: from(always, version) })
export const until = <T>(version: Microversion, value: T): Spanned<T> => ({ value, span: upTo(always, version) })

const isSpanned = (value: unknown): value is Spanned<unknown> => typeof value === 'object' && value !== null && 'span' in value

/** The entries that hold at a version, unwrapped. */
export const at = <T>(entries: readonly (T | Spanned<T>)[], minor: Minor): T[] =>
  entries.filter((entry) => !isSpanned(entry) || holds(entry.span, minor)).map((entry) => (isSpanned(entry) ? (entry.value as T) : entry))
