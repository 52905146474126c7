/** Asks Nova's rules about a caller: nova/policy.py over oslo.policy. */
import type { RequestContext } from '../oslo/context.ts'
import type { Log } from '../oslo/log.ts'
import { type Check, ruleText } from '../oslo/policy/check.ts'
import type { Credentials, Kind, Target } from '../oslo/policy/compile.ts'
import { createEnforcer } from '../oslo/policy/enforcer.ts'
import type { PolicySettings } from '../oslo/policy/options.ts'
import { policies, type RuleName } from './policies.ts'

/** A context that does not know yet whether it is an administrator's. */
export type Undecided = Omit<RequestContext, 'isAdmin'>

export interface Policy {
  /** Whether the caller may. Without a target the rule is asked about the caller's own project and user. */
  can(context: RequestContext, rule: RuleName, target?: Target): boolean
  /** Throws a `PolicyRefused` unless the caller may. */
  authorize(context: RequestContext, rule: RuleName, target?: Target): void
  /** Whether the rule `context_is_admin` holds: what `isAdmin` of a new context is. */
  isAdmin(context: Undecided): boolean
  close(): void
}

/** Nova's refusal; the API answers it with 403. */
export class PolicyRefused extends Error {
  override readonly name = 'PolicyRefused'
  readonly rule: RuleName
  constructor(rule: RuleName) {
    super(`Policy doesn't allow ${rule} to be performed.`)
    this.rule = rule
  }
}

export interface PolicyParts {
  readonly settings: PolicySettings
  /** Where a relative `policy_file` and `policy_dirs` are looked for, first hit wins. */
  readonly directories: readonly string[]
  readonly log: Log
  readonly clock: { now(): number }
}

/** Throws an `InvalidPolicy` when a policy file cannot be used. */
export function createPolicy({ log, ...parts }: PolicyParts): Policy {
  const enforcer = createEnforcer({
    ...parts,
    log,
    defaults: policies,
    kinds: { is_admin: isAdminCheck },
    onLoad: (rules) => warnOfUserRules(rules, log),
  })
  const known = new WeakMap<RequestContext, Credentials>()

  function credentialsFor(context: RequestContext): Credentials {
    let credentials = known.get(context)
    if (!credentials) known.set(context, (credentials = credentialsOf(context, context.isAdmin)))
    return credentials
  }

  function can(context: RequestContext, rule: RuleName, target: Target = ownTarget(context)): boolean {
    return enforcer.allows(rule, target, credentialsFor(context))
  }

  return {
    can,
    authorize(context, rule, target) {
      if (!can(context, rule, target)) throw new PolicyRefused(rule)
    },
    isAdmin: (context) => enforcer.allows('context_is_admin', ownTarget(context), credentialsOf(context, null)),
    close: () => enforcer.close(),
  }
}

/** nova/policy.py IsAdminCheck: anything but "true" means false */
const isAdminCheck: Kind = (match) => {
  const expected = match.toLowerCase() === 'true'
  return (_target, credentials) => credentials.is_admin === expected
}

const ownTarget = (context: Undecided): Target => ({ project_id: context.projectId, user_id: context.userId })

/** What rules may look at: oslo_context to_policy_values() with Nova's is_admin. Contexts do not have the domains of a service token. */
const credentialsOf = (context: Undecided, isAdmin: boolean | null): Credentials => ({
  user_id: context.userId,
  user_domain_id: context.userDomainId,
  system_scope: context.systemScope,
  ...(context.systemScope && { system: context.systemScope }),
  domain_id: context.domainId,
  project_id: context.projectId,
  project_domain_id: context.projectDomainId,
  roles: context.roles,
  is_admin_project: context.isAdminProject,
  service_user_id: context.serviceUserId,
  service_user_domain_id: null,
  service_project_id: context.serviceProjectId,
  service_project_domain_id: null,
  service_roles: context.serviceRoles,
  is_admin: isAdmin,
})

// nova/policy.py _warning_for_deprecated_user_based_rules: only keypairs belong to users
function warnOfUserRules(rules: ReadonlyMap<string, Check>, log: Log): void {
  for (const [name, check] of rules) {
    if (name.includes('os-keypairs') || !ruleText(check).includes('%(user_id)s')) continue
    log.warning(`The rule '${name}' looks at user_id, which only the rules of key pairs support; it will stop working.`)
  }
}
