/** Where two answers to one request differ: status, headers that clients act upon, body. */
import { allowancesOf } from './allowances.ts'
import { type Difference, differencesOf, pathOf } from './document.ts'

/** Header names are lower case. */
export type AnswerHeaders = Readonly<Record<string, string | readonly string[] | undefined>>

export interface Answer {
  readonly status: number
  readonly headers: AnswerHeaders
  readonly body: Buffer
  /** From the request to the last byte. */
  readonly ms: number
}

export interface HeaderDifference {
  readonly name: string
  readonly real?: string
  readonly ours?: string
}

export interface AnswerDifferences {
  readonly status: boolean
  readonly headers: readonly HeaderDifference[]
  readonly body: readonly Difference[]
}

/** What is not here differs from answer to answer (Date, X-OpenStack-Request-ID) or between servers of HTTP (Server, Connection, Content-Length). */
export const comparedHeaders = [
  'content-type',
  'openstack-api-version',
  'x-openstack-nova-api-version',
  'vary',
  'location',
  'retry-after',
  'allow',
  'www-authenticate',
  'cache-control',
] as const

/** Undefined when they are the same. */
export function compareAnswers(real: Answer, ours: Answer, route: string): AnswerDifferences | undefined {
  const headers = comparedHeaders.flatMap((name) => differentHeader(name, real.headers[name], ours.headers[name]))
  const found = { status: real.status !== ours.status, headers, body: compareBodies(real, ours, route) }
  return found.status || headers.length > 0 || found.body.length > 0 ? found : undefined
}

function differentHeader(name: string, real: AnswerHeaders[string], ours: AnswerHeaders[string]): HeaderDifference[] {
  const [a, b] = [joined(real), joined(ours)]
  if (a === b || (a !== undefined && b !== undefined && meaning(name, a) === meaning(name, b))) return []
  return [{ name, ...(a !== undefined && { real: a }), ...(b !== undefined && { ours: b }) }]
}

const joined = (value: AnswerHeaders[string]): string | undefined =>
  value === undefined || typeof value === 'string' ? value : value.join(', ')

function meaning(name: string, value: string): string {
  if (name === 'location') return pathOf(value)
  if (name === 'vary' || name === 'allow') return [...new Set(value.toLowerCase().split(/\s*,\s*/))].sort().join()
  if (name === 'content-type') return value.toLowerCase().replace(/\s*;\s*/g, ';')
  return value
}

function compareBodies(real: Answer, ours: Answer, route: string): readonly Difference[] {
  if (real.body.equals(ours.body)) return []
  const [a, b] = [documentIn(real), documentIn(ours)]
  if (a !== undefined && b !== undefined) return differencesOf(a, b, allowancesOf(route))
  return [{ keys: [], ...describeTexts(real.body, ours.body) }]
}

/** Undefined for what is no JSON. */
function documentIn({ headers, body }: Answer): unknown {
  if (!/\bjson\b/i.test(joined(headers['content-type']) ?? '')) return undefined
  try {
    return JSON.parse(body.toString())
  } catch {
    return undefined
  }
}

/** A text that is no JSON may be a password or a script: what is told of it is where it differs. */
function describeTexts(real: Buffer, ours: Buffer): { real: string; ours: string } {
  const shorter = Math.min(real.length, ours.length)
  let at = 0
  while (at < shorter && real[at] === ours[at]) at++
  const told = (body: Buffer) => `${body.length} bytes, which differ from byte ${at} on`
  return { real: told(real), ours: told(ours) }
}
