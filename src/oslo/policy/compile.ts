/** Turns the tree of a rule into one function, so that asking it costs a few comparisons. */
import { type Check, InvalidRule } from './check.ts'

/** What the rule is asked about, by Nova's names: `{ project_id, user_id, … }`. */
export type Target = Readonly<Record<string, unknown>>

/** Who asks, by oslo.context's names: `{ roles, project_id, user_id, system_scope, … }`. */
export type Credentials = Readonly<Record<string, unknown>>

/** A compiled check. `rule` is the name of the rule that was asked for, which remote checks send along. */
export type Test = (target: Target, credentials: Credentials, rule: string) => boolean

/** Compiles the checks of one kind from what stands after the colon. */
export type Kind = (match: string) => Test

export interface Surroundings {
  /** The compiled rule of a name. */
  rule(name: string): Test
  /** Kinds beyond `rule`, `role` and the look-up in the credentials. */
  readonly kinds: Readonly<Record<string, Kind>>
}

/** Throws an `InvalidRule` for a match that cannot be filled in. */
export function compile(check: Check, around: Surroundings): Test {
  switch (check.is) {
    case 'true':
      return () => true
    case 'false':
      return () => false
    case 'not': {
      const test = compile(check.check, around)
      return (target, credentials, rule) => !test(target, credentials, rule)
    }
    case 'and':
      return check.checks.map((one) => compile(one, around)).reduceRight((rest, test) => (t, c, r) => test(t, c, r) && rest(t, c, r))
    case 'or':
      return check.checks.map((one) => compile(one, around)).reduceRight((rest, test) => (t, c, r) => test(t, c, r) || rest(t, c, r))
    case 'leaf':
      return leaf(check.kind, check.match, around)
  }
}

function leaf(kind: string, match: string, { rule, kinds }: Surroundings): Test {
  if (kind === 'rule') return rule(match)
  const own = Object.hasOwn(kinds, kind) ? kinds[kind] : undefined
  if (own) return own(match)
  const fill = filled(match)
  if (kind === 'role') {
    return (target, credentials) => {
      const role = fill(target)?.toLowerCase()
      return role !== undefined && hasRole(credentials.roles, role)
    }
  }
  const fixed = literal(kind)
  if (fixed !== undefined) return (target) => fill(target) === fixed
  const path = kind.split('.')
  if (path.length > 1) {
    return (target, credentials) => {
      const wanted = fill(target)
      return wanted !== undefined && found(credentials, path, wanted)
    }
  }
  return (target, credentials) => {
    const wanted = fill(target)
    return wanted !== undefined && matches(credentials[kind], wanted)
  }
}

function hasRole(roles: unknown, role: string): boolean {
  if (!Array.isArray(roles)) return false
  for (const have of roles) if (have === role || String(have).toLowerCase() === role) return true
  return false
}

function found(value: unknown, path: readonly string[], wanted: string): boolean {
  if (path.length === 0) return matches(value, wanted)
  if (Array.isArray(value)) return value.some((one) => found(one, path, wanted))
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, path[0]!)) return false
  return found((value as Record<string, unknown>)[path[0]!], path.slice(1), wanted)
}

/** A list matches when one of its members does. What is not there matches nothing. */
function matches(value: unknown, wanted: string): boolean {
  if (typeof value === 'string') return value === wanted
  if (value === undefined) return false
  return Array.isArray(value) ? value.some((one) => pythonText(one) === wanted) : pythonText(value) === wanted
}

// oslo_policy/_checks.py GenericCheck: both sides are compared as str(), so two absent projects are equal: 'None' == 'None'
function pythonText(value: unknown): string {
  if (value === null) return 'None'
  if (value === true) return 'True'
  return value === false ? 'False' : String(value)
}

/** Fills `%(name)s` from the target; undefined when it has no such name. `%%` is a percent sign. */
export function filled(match: string): (target: Target) => string | undefined {
  const alone = /^%\(([^)]*)\)s$/.exec(match)?.[1]
  if (alone !== undefined) return (target) => own(target, alone)
  const parts: (string | { name: string })[] = []
  let text = ''
  for (const [part, name] of match.matchAll(/%\(([^)]*)\)s|%%|[^%]+|%/g)) {
    if (part === '%') throw new InvalidRule(`"${match}" has a % that is neither %(name)s nor %%`)
    if (name === undefined) text += part === '%%' ? '%' : part
    else {
      parts.push(text, { name })
      text = ''
    }
  }
  if (parts.length === 0) return () => text
  parts.push(text)
  return (target) => {
    let out = ''
    for (const part of parts) {
      const value = typeof part === 'string' ? part : own(target, part.name)
      if (value === undefined) return undefined
      out += value
    }
    return out
  }
}

function own(target: Target, name: string): string | undefined {
  const value = target[name]
  return typeof value === 'string' ? value : value === undefined || !Object.hasOwn(target, name) ? undefined : pythonText(value)
}

/** The text of a Python literal before the colon (`'x'`, `True`, `7`); undefined when it is a name to look up. */
function literal(kind: string): string | undefined {
  const quoted = /^'([^']*)'$|^"([^"]*)"$/.exec(kind)
  if (quoted) return quoted[1] ?? quoted[2]!
  if (kind === 'True' || kind === 'False' || kind === 'None') return kind
  return /^-?\d+$/.test(kind) ? String(BigInt(kind)) : undefined
}
