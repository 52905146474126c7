/**
 * Decides whether somebody may do something: oslo.policy's Enforcer. Rules are compiled when they are read, so a question costs
 * well under a microsecond. The policy files are looked at again at most once a second.
 *
 *     const enforcer = createEnforcer({ settings, defaults: [{ name: 'flavors:show', check: 'role:reader' }], directories: ['/etc/nova'], log, clock })
 *     enforcer.allows('flavors:show', { project_id }, { roles: ['reader'], project_id })
 */
import { InvalidRule, parseRule } from './check.ts'
import { type Credentials, compile, type Kind, type Target, type Test } from './compile.ts'
import { InvalidPolicy, type PolicyFile, policyFiles } from './files.ts'
import type { PolicySettings } from './options.ts'
import { type RemoteCheck, remoteCheck } from './remote.ts'
import { gatherRules, type RuleSet, type RuleDefault as Settled } from './rules.ts'

/** A rule that a service registers: its name, its default, the scopes it is for, and what it was before. */
export interface RuleDefault {
  readonly name: string
  readonly check: string
  readonly scopes?: readonly string[]
  readonly deprecated?: { readonly name: string; readonly check: string }
}

export interface EnforcerParts {
  readonly settings: PolicySettings
  readonly defaults: readonly RuleDefault[]
  /** Where relative paths of `policy_file` and `policy_dirs` are looked for, first hit wins. */
  readonly directories: readonly string[]
  /** Kinds of checks that this service adds, such as Nova's `is_admin:True`. */
  readonly kinds?: Readonly<Record<string, Kind>>
  /** Told of the rules that files set, at start and whenever they have changed. */
  readonly onLoad?: (fromFiles: RuleSet['fromFiles']) => void
  readonly log: { info(text: string): void; warning(text: string): void; error(text: string): void }
  readonly clock: { now(): number }
}

export interface Enforcer {
  /**
   * Whether the rule holds and the scope of the credentials fits it. A rule that does not exist is decided by the default rule, else denied.
   * Throws a `RemoteCheckFailed` when a remote check has no answer.
   */
  allows(rule: string, target: Target, credentials: Credentials): boolean
  /** Stops what remote checks have started. */
  close(): void
}

interface Entry {
  readonly test: Test
  readonly scopes: readonly string[] | undefined
}

const lookEveryMs = 1000

/** Throws an `InvalidPolicy` when a file cannot be used. Later changes that cannot be used are logged and the rules stay as they were. */
export function createEnforcer({ settings, defaults, directories, kinds = {}, onLoad, log, clock }: EnforcerParts): Enforcer {
  const registered = defaults.map(parsed)
  const scopes = new Map(registered.map(({ name, scopes }) => [name, scopes]))
  const remote = remoteCheck(settings)
  const misfits = new Set<string>()
  let files = policyFiles(settings, directories)
  let entries = load(files)
  let fallback = entries.get(settings.policyDefaultRule)
  let nextLook = clock.now() + lookEveryMs
  let complaint = ''

  function load(from: readonly PolicyFile[]): Map<string, Entry> {
    const set = gatherRules(from, registered, settings)
    const tests = compileAll(set, settings.policyDefaultRule, { ...kinds, ...remoteKinds(remote) })
    for (const warning of set.warnings) log.warning(warning)
    onLoad?.(set.fromFiles)
    return new Map([...tests].map(([name, test]) => [name, { test, scopes: scopes.get(name) }]))
  }

  function look(now: number): void {
    nextLook = now + lookEveryMs
    try {
      const found = policyFiles(settings, directories)
      if (stamps(found) === stamps(files)) return
      files = found
      entries = load(found)
      fallback = entries.get(settings.policyDefaultRule)
      log.info(`Read the policy files again: ${found.map(({ path }) => path).join(', ') || 'there are none any more'}.`)
      complaint = ''
    } catch (error) {
      const { message } = error as Error
      if (message !== complaint) log.error(`The policy files have changed but cannot be used, so the rules stay as they were: ${message}`)
      complaint = message
    }
  }

  /** oslo_policy/policy.py Enforcer._enforce_scope */
  function inScope(rule: string, wanted: readonly string[], credentials: Credentials): boolean {
    const scope = credentials.system || credentials.system_scope ? 'system' : credentials.domain_id ? 'domain' : 'project'
    if (wanted.includes(scope)) return true
    if (settings.enforceScope) return false
    if (!misfits.has(rule))
      log.warning(`Policy ${rule} is for tokens of the scope ${wanted.join(' or ')} and was used with a ${scope} token.`)
    misfits.add(rule)
    return true
  }

  return {
    allows(rule, target, credentials) {
      const now = clock.now()
      if (now >= nextLook) look(now)
      const entry = entries.get(rule) ?? fallback
      if (entry === undefined) return false
      if (entry.scopes !== undefined && !inScope(rule, entry.scopes, credentials)) return false
      return entry.test(target, credentials, rule)
    },
    close: () => remote.close(),
  }
}

const stamps = (files: readonly PolicyFile[]): string => files.map(({ stamp }) => stamp).join('\n')

const parsed = ({ name, check, scopes, deprecated }: RuleDefault): Settled => ({
  name,
  check: parseRule(check),
  ...(scopes && { scopes }),
  ...(deprecated && { deprecated: { name: deprecated.name, check: parseRule(deprecated.check) } }),
})

const remoteKinds = (remote: RemoteCheck): Record<string, Kind> => ({
  http: (match) => remote.kind(`http:${match}`),
  https: (match) => remote.kind(`https:${match}`),
})

/** Every rule once; a rule that another refers to is compiled first, which is safe since none refers to itself. */
function compileAll({ rules, origin }: RuleSet, fallback: string, kinds: Readonly<Record<string, Kind>>): Map<string, Test> {
  const done = new Map<string, Test>()
  const rule = (wanted: string): Test => {
    const name = rules.has(wanted) ? wanted : fallback
    let test = done.get(name)
    if (!test) done.set(name, (test = compiled(name)))
    return test
  }
  const compiled = (name: string): Test => {
    try {
      return compile(rules.get(name)!, { rule, kinds })
    } catch (error) {
      if (!(error instanceof InvalidRule)) throw error
      throw new InvalidPolicy(`${origin(name)}: rule "${name}": ${error.message}`, { cause: error })
    }
  }
  for (const name of rules.keys()) rule(name)
  return done
}
