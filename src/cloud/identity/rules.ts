/** Who may do what: the default policies of Keystone (keystone/common/policies/*.py), by name. */
import type { Caller } from '../service.ts'
import { forbiddenAction } from './faults.ts'

/** What a rule looks at: the things that a request names, as far as they exist. */
export interface Target {
  /** The user that the path names. */
  readonly userId?: string
  readonly user?: { readonly id?: string; readonly domain_id?: unknown }
  readonly group?: { readonly domain_id?: unknown }
  readonly project?: { readonly id?: string; readonly domain_id?: unknown }
  readonly domain?: { readonly id: string }
  readonly role?: { readonly name: string; readonly domain_id: string | null }
  readonly limit?: { readonly projectId: string | null; readonly domainIds: readonly string[] }
  /** The domain that a list is narrowed to. */
  readonly domainId?: string | null
  /** Whose token it is. */
  readonly tokenUserId?: string
}

type Rule = (caller: Caller, target: Target) => boolean

const has = (caller: Caller, role: string): boolean => caller.roles.includes(role)
const admin: Rule = (caller) => has(caller, 'admin')
const anyone: Rule = () => true
const systemReader: Rule = (caller) => caller.systemScope === 'all' && has(caller, 'reader')
const service: Rule = (caller) => has(caller, 'service')
const or =
  (...rules: readonly Rule[]): Rule =>
  (caller, target) =>
    rules.some((rule) => rule(caller, target))
/** A role on the domain of the token, where the target is of that domain. */
const inDomain =
  (role: string, ...domainsOf: readonly ((target: Target) => unknown)[]): Rule =>
  (caller, target) =>
    has(caller, role) && caller.domainId !== null && domainsOf.every((domainOf) => domainOf(target) === caller.domainId)

const ofUser = (target: Target) => target.user?.domain_id
const ofGroup = (target: Target) => target.group?.domain_id
const ofProject = (target: Target) => target.project?.domain_id
const ofDomain = (target: Target) => target.domain?.id
const ofList = (target: Target) => target.domainId
const self: Rule = (caller, target) => caller.userId === target.user?.id
const pathUser: Rule = (caller, target) => caller.userId === target.userId
const tokenSubject: Rule = (caller, target) => caller.userId === target.tokenUserId
const ownProject: Rule = (caller, target) => caller.projectId !== null && caller.projectId === target.project?.id

const read = or(admin, systemReader)
const readUser = or(read, inDomain('reader', ofUser))
const readGroup = or(read, inDomain('reader', ofGroup))
const readProject = or(read, inDomain('reader', ofProject), ownProject)
const manageUser = or(admin, inDomain('manager', ofUser))
const manageGroup = or(admin, inDomain('manager', ofGroup))
const manageProject = or(admin, inDomain('manager', ofProject))
const manageMembership = or(admin, inDomain('manager', ofGroup, ofUser))

const grantPairs = [
  [ofUser, ofProject],
  [ofUser, ofDomain],
  [ofGroup, ofProject],
  [ofGroup, ofDomain],
] as const
const grantInDomain = (role: string): Rule => or(...grantPairs.map((pair) => inDomain(role, ...pair)))
const usableRole: Rule = (caller, { role }) => role?.domain_id === null || (role !== undefined && role.domain_id === caller.domainId)
const managedRole: Rule = (_, { role }) => role !== undefined && ['manager', 'member', 'reader'].includes(role.name)
const both =
  (first: Rule, second: Rule): Rule =>
  (caller, target) =>
    first(caller, target) && second(caller, target)
const grant = or(admin, both(grantInDomain('admin'), usableRole), both(grantInDomain('manager'), managedRole))
const domainOfToken: Rule = (caller, target) => caller.domainId !== null && caller.domainId === target.domain?.id
const projectInDomain: Rule = (caller, target) => caller.projectDomainId !== null && caller.projectDomainId === target.domain?.id
const ownLimit: Rule = (caller, { limit }) =>
  limit !== undefined &&
  ((caller.domainId !== null && limit.domainIds.includes(caller.domainId)) ||
    (caller.projectId !== null && limit.projectId === caller.projectId))

const rules = {
  get_domain: or(read, domainOfToken, projectInDomain),
  list_domains: or(read, inDomain('reader', ofDomain)),
  create_domain: admin,
  update_domain: admin,
  delete_domain: admin,
  get_project: readProject,
  list_projects: or(read, inDomain('reader', ofList)),
  list_user_projects: or(readUser, self),
  create_project: manageProject,
  update_project: manageProject,
  delete_project: manageProject,
  list_project_tags: readProject,
  get_project_tag: readProject,
  update_project_tags: manageProject,
  create_project_tag: manageProject,
  delete_project_tags: manageProject,
  delete_project_tag: manageProject,
  get_user: or(readUser, self),
  list_users: or(read, inDomain('reader', ofList)),
  create_user: manageUser,
  update_user: manageUser,
  delete_user: manageUser,
  revoke_tokens_for_user: or(admin, pathUser),
  get_group: readGroup,
  list_groups: readGroup,
  list_groups_for_user: or(readUser, pathUser),
  create_group: manageGroup,
  update_group: manageGroup,
  delete_group: manageGroup,
  list_users_in_group: readGroup,
  check_user_in_group: or(read, inDomain('reader', ofGroup, ofUser)),
  add_user_to_group: manageMembership,
  remove_user_from_group: manageMembership,
  get_role: or(read, (caller, target) => has(caller, 'manager') && managedRole(caller, target)),
  list_roles: or(read, (caller) => has(caller, 'manager') && caller.domainId !== null),
  create_role: admin,
  update_role: admin,
  delete_role: admin,
  get_domain_role: read,
  list_domain_roles: read,
  create_domain_role: admin,
  update_domain_role: admin,
  delete_domain_role: admin,
  get_implied_role: read,
  list_implied_roles: read,
  check_implied_role: read,
  create_implied_role: admin,
  delete_implied_role: admin,
  list_role_inference_rules: read,
  check_grant: or(read, both(grantInDomain('reader'), usableRole)),
  list_grants: or(read, grantInDomain('reader')),
  create_grant: grant,
  revoke_grant: grant,
  list_system_grants_for_user: read,
  check_system_grant_for_user: read,
  create_system_grant_for_user: admin,
  revoke_system_grant_for_user: admin,
  list_system_grants_for_group: read,
  check_system_grant_for_group: read,
  create_system_grant_for_group: admin,
  revoke_system_grant_for_group: admin,
  list_role_assignments: or(read, inDomain('reader', ofList)),
  list_role_assignments_for_tree: or(read, inDomain('reader', ofList)),
  get_service: read,
  list_services: read,
  create_service: admin,
  update_service: admin,
  delete_service: admin,
  get_endpoint: read,
  list_endpoints: read,
  create_endpoint: admin,
  update_endpoint: admin,
  delete_endpoint: admin,
  get_region: anyone,
  list_regions: anyone,
  create_region: admin,
  update_region: admin,
  delete_region: admin,
  get_application_credential: or(read, pathUser),
  list_application_credentials: or(read, pathUser),
  create_application_credential: pathUser,
  delete_application_credential: or(admin, pathUser),
  get_registered_limit: anyone,
  list_registered_limits: anyone,
  create_registered_limits: admin,
  update_registered_limit: admin,
  delete_registered_limit: admin,
  get_limit_model: anyone,
  get_limit: or(read, ownLimit),
  list_limits: anyone,
  create_limits: admin,
  update_limit: admin,
  delete_limit: admin,
  check_token: or(read, tokenSubject),
  validate_token: or(read, service, tokenSubject),
  revoke_token: or(admin, tokenSubject),
} satisfies Record<string, Rule>

export type Action = keyof typeof rules

/** 403 with the name of the rule when the caller may not. */
export function enforce(caller: Caller, action: Action, target: Target = {}): void {
  const rule: Rule = rules[action]
  if (!rule(caller, target)) throw forbiddenAction(`identity:${action}`)
}
