/** Reads the parameters of searches: amounts, traits, aggregates (placement/util.py). */
import { isUuidLike } from '../uuid.ts'
import { badRequest } from './faults.ts'

export type Amounts = ReadonlyMap<string, number>

/** Of each set at least one. */
export type AllOfAny = readonly ReadonlySet<string>[]

export interface Traits {
  readonly required: AllOfAny
  readonly forbidden: ReadonlySet<string>
}

export interface Aggregates {
  readonly memberOf: AllOfAny
  readonly forbiddenAggregates: ReadonlySet<string>
}

/** The parameters as a dictionary, of which the last of a name counts. */
export const lastOf = (query: URLSearchParams): Record<string, string> => Object.fromEntries(query)

/** `VCPU:2,MEMORY_MB:1024` */
export function amountsOf(text: string): Amounts {
  const malformed = (got: string) =>
    badRequest(
      `Badly formed resources parameter. Expected resources query string parameter in form: ?resources=VCPU:2,MEMORY_MB:1024. Got: ${got}.`,
    )
  if (text.trim() === '') throw malformed('empty string')
  const amounts = new Map<string, number>()
  for (const part of text.split(',')) {
    const [name, amount, ...more] = part.split(':')
    if (amount === undefined || more.length > 0) throw malformed(part)
    if (!/^\s*[+-]?\d+\s*$/.test(amount)) throw badRequest(`Requested resource ${name} expected positive integer amount. Got: ${amount}.`)
    if (Number(amount) < 1) throw badRequest(`Requested resource ${name} requires amount >= 1. Got: ${Number(amount)}.`)
    amounts.set(name!, Number(amount))
  }
  return amounts
}

/** `A,!B` and, from 1.39, `in:A,B`; earlier only the last of several counts, and `!` is understood from 1.22. */
export function traitsOf(query: URLSearchParams, name: string, minor: number): Traits {
  const values = minor >= 39 ? query.getAll(name) : query.getAll(name).slice(-1)
  const each = values.map((value) => oneOfTraits(value, { forbidden: minor >= 22, any: minor >= 39 }))
  return { required: each.flatMap(({ required }) => required), forbidden: new Set(each.flatMap(({ forbidden }) => [...forbidden])) }
}

/** One value of a parameter that names traits. */
export function oneOfTraits(value: string, allow: { readonly forbidden: boolean; readonly any: boolean }): Traits {
  if (value.startsWith('in:')) return { required: [anyOf(value, allow.any)], forbidden: new Set() }
  const form = allow.forbidden ? 'HW_CPU_X86_VMX,!CUSTOM_MAGIC' : 'HW_CPU_X86_VMX,CUSTOM_MAGIC'
  const expected = `Invalid query string parameters: Expected 'required' parameter value of the form: ${form}. `
  const all = value.split(',').map((trait) => trait.trim())
  // Any number of exclamation marks: not documented, kept by placement/util.py normalize_traits_qs_param
  const forbidden = all.filter((trait) => trait.startsWith('!')).map((trait) => trait.replace(/^!+/, ''))
  if ([...all, ...forbidden].includes('')) throw badRequest(`${expected}Got an empty trait in: ${value}`)
  if (forbidden.length > 0 && !allow.forbidden) throw badRequest(`${expected}Got: ${value}`)
  return { required: all.filter((trait) => !trait.startsWith('!')).map((trait) => new Set([trait])), forbidden: new Set(forbidden) }
}

function anyOf(value: string, allowed: boolean): ReadonlySet<string> {
  const refuse = (reason: string) => badRequest(`Invalid query string parameters: ${reason}`)
  if (!allowed) throw refuse(`The format 'in:HW_CPU_X86_VMX,CUSTOM_MAGIC' only supported since microversion 1.39. Got: ${value}`)
  const traits = value
    .slice(3)
    .split(',')
    .map((trait) => trait.trim())
  if (traits.includes(''))
    throw refuse(`Expected 'required' parameter value of the form: in:HW_CPU_X86_VMX,CUSTOM_MAGIC. Got an empty trait in: ${value}`)
  if (traits.some((trait) => trait.startsWith('!')))
    throw refuse(`The format 'in:HW_CPU_X86_VMX,CUSTOM_MAGIC' does not support forbidden traits. Got: ${value}`)
  return new Set(traits)
}

/** A UUID, `in:` with several, and with `!` those it must not be in (1.32); several parameters from 1.24. */
export function aggregatesOf(query: URLSearchParams, suffix: string, minor: number): Aggregates {
  const values = query.getAll(`member_of${suffix}`)
  if (minor < 24 && values.length > 1) throw badRequest(`Multiple member_of${suffix} parameters are not supported`)
  const each = values.map(oneOfAggregates)
  if (minor < 32 && each.some(({ forbidden }) => forbidden.size > 0))
    throw badRequest(`Forbidden member_of${suffix} parameters are not supported in the specified microversion`)
  return {
    memberOf: each.map(({ required }) => required).filter(({ size }) => size > 0),
    forbiddenAggregates: new Set(each.flatMap(({ forbidden }) => [...forbidden])),
  }
}

const none: ReadonlySet<string> = new Set()

function oneOfAggregates(value: string): { required: ReadonlySet<string>; forbidden: ReadonlySet<string> } {
  if (value.includes(',') && !/^!?in:/.test(value))
    throw badRequest(
      `Multiple values for 'member_of' must be prefixed with the 'in:' or '!in:' keyword using the valid microversion. Got: ${value}`,
    )
  const named = new Set(value.replace(/^!?in:|^!/, '').split(','))
  for (const uuid of named)
    if (!isUuidLike(uuid))
      throw badRequest(`Invalid query string parameters: Expected 'member_of' parameter to contain valid UUID(s). Got: ${uuid}`)
  return value.startsWith('!') ? { required: none, forbidden: named } : { required: named, forbidden: none }
}
