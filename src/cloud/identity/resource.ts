/** What the resources of the identity API have in common. */
import type { AuthenticatedCall, Clock, Ids, Routes } from '../service.ts'
import { invalid } from './faults.ts'
import { asBoolean } from './lists.ts'
import type { Extra, Store } from './model.ts'
import type { Passwords } from './passwords.ts'
import type { Fields } from './shapes.ts'
import type { TokenCaller } from './tokens.ts'

export interface Setting {
  readonly store: Store
  readonly clock: Clock
  readonly passwords: Passwords
  /** A new id in Keystone's form: 32 hex digits. */
  readonly newId: () => string
}

export type TokenCall = AuthenticatedCall<TokenCaller>
export type IdentityRoutes = Routes<TokenCaller>

export const hexIds =
  (ids: Ids): (() => string) =>
  () =>
    ids.uuid().replaceAll('-', '')

/** What of the fields is not among those that Keystone knows. */
export const extraOf = (fields: Fields, known: readonly string[]): Extra =>
  Object.fromEntries(Object.entries(fields).filter(([name]) => !known.includes(name)))

/** `enabled` and its like: a boolean, a word for one, or not said. */
export function truth(value: unknown, otherwise: boolean): boolean {
  if (value === undefined || value === null) return otherwise
  return typeof value === 'boolean' ? value : asBoolean(String(value))
}

/** Options without those that were set to null, which takes them away. */
export function optionsOf(given: unknown, before: Extra = {}): Extra {
  return Object.fromEntries(Object.entries({ ...before, ...(given as Extra | undefined) }).filter(([, value]) => value !== null))
}

/** 400 when a body speaks of another id than the path. */
export function sameId(fields: Fields, id: string | undefined): void {
  if (fields.id !== undefined && fields.id !== id) throw invalid('Cannot change ID')
}

/** The domain of something new: as given, else that of the token, else the default one (keystone/server/flask/common.py _normalize_domain_id). */
export const domainIdFor = (call: TokenCall, given: unknown): string => (given as string | undefined) || (call.caller.domainId ?? 'default')

/** The text that was given, null included; `otherwise` where nothing was. */
export const textOr = <T>(value: unknown, otherwise: T): string | null | T => (value === undefined ? otherwise : (value as string | null))
