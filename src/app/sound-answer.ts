/** Looks at what the code of third parties answers, which no compiler has seen: what no host could send becomes an error that names them. */
import type { Application, Response } from './contract.ts'

/** The application under a name; throws a `TypeError` in place of an answer that cannot be sent. */
export const soundly = (app: Application, name: string): Application =>
  async function soundly(request) {
    const answer: unknown = await app(request)
    const flaw = flawOf(answer)
    if (flaw !== undefined) throw new TypeError(`${name} gave no answer that can be sent: ${flaw}`)
    return answer as Response
  }

function flawOf(answer: unknown): string | undefined {
  if (typeof answer !== 'object' || answer === null) return `it is ${kindOf(answer)}`
  const { status, headers, body } = answer as Record<string, unknown>
  if (!Number.isInteger(status) || (status as number) < 100 || (status as number) > 999)
    return `its status is ${typeof status === 'number' ? status : kindOf(status)}`
  if (!Array.isArray(headers) || !headers.every(isPair)) return 'its headers are no list of names and values'
  const malformed = headers.find(([name, value]) => !token.test(name) || control.test(String(value)))
  if (malformed) return `its header ${JSON.stringify(malformed[0])} is malformed`
  return isBody(body) ? undefined : `its body is ${kindOf(body)}, and neither null, a text, bytes nor pieces of them`
}

/** RFC 9110, 5.6.2 and 5.5; what node:http refuses to send. */
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const control = /[^\t\x20-\x7e\x80-\xff]/

const isPair = (header: unknown): boolean => Array.isArray(header) && header.length === 2 && typeof header[0] === 'string'

const isBody = (body: unknown): boolean =>
  body === null || typeof body === 'string' || (typeof body === 'object' && (Symbol.asyncIterator in body || Symbol.iterator in body))

/** In words for a log: of a value that should be another, the kind tells enough and holds no secret. */
export function kindOf(value: unknown): string {
  if (value === undefined || value === null) return String(value)
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
