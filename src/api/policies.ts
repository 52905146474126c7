/**
 * Nova's policy rules with their defaults (nova/policies), by resource. `was` and `were` say what a rule was before: the older default, which still
 * counts when [oslo_policy] enforce_new_defaults is false, and the older name, which a policy file may still use.
 */
import type { RuleDefault } from '../oslo/policy/enforcer.ts'

// The rules that others refer to (nova/policies/base.py). The older name of four of them is never met in a file, for it starts with `rule:`.
const ownedBy = (role: string) => `role:${role} and project_id:%(project_id)s` as const
const formerly = {
  adminApi: { name: 'rule:admin_api', check: 'is_admin:True' },
  adminOrOwner: { name: 'rule:admin_or_owner', check: 'is_admin:True or project_id:%(project_id)s' },
} as const
const base = [
  { name: 'context_is_admin', check: 'role:admin', deprecated: formerly.adminApi },
  { name: 'admin_or_owner', check: formerly.adminOrOwner.check },
  { name: 'admin_api', check: formerly.adminApi.check },
  { name: 'project_manager_api', check: ownedBy('manager'), deprecated: formerly.adminApi },
  { name: 'project_member_api', check: ownedBy('member'), deprecated: formerly.adminOrOwner },
  { name: 'project_reader_api', check: ownedBy('reader'), deprecated: formerly.adminOrOwner },
  { name: 'service_api', check: 'role:service', deprecated: formerly.adminApi },
  { name: 'project_manager_or_admin', check: 'rule:project_manager_api or rule:context_is_admin', deprecated: formerly.adminApi },
  { name: 'project_member_or_admin', check: 'rule:project_member_api or rule:context_is_admin', deprecated: formerly.adminOrOwner },
  { name: 'project_reader_or_admin', check: 'rule:project_reader_api or rule:context_is_admin', deprecated: formerly.adminOrOwner },
  { name: 'service_or_admin', check: 'rule:service_api or rule:context_is_admin', deprecated: formerly.adminApi },
] as const satisfies readonly RuleDefault[]

const admin = 'rule:context_is_admin'
const manager = 'rule:project_manager_or_admin'
const member = 'rule:project_member_or_admin'
const reader = 'rule:project_reader_or_admin'
const service = 'rule:service_or_admin'
const keyOwner = '(rule:context_is_admin) or user_id:%(user_id)s'
const everybody = '@'
const nobody = '!'
const adminApi = 'rule:admin_api'
const adminOrOwner = 'rule:admin_or_owner'

type Former = { readonly check: string; readonly name: string | undefined }
type Now = string | { readonly check: string; readonly former: Former }

/** A rule that had another default, and perhaps another name. */
const was = (check: string, before: string, name: string): Now => ({ check, former: { check: before, name } })

/** As `was`, for all rules of a resource; the name is that of the resource unless given. */
const were = (check: string, name?: string): Former => ({ check, name })

interface Group<Resource extends string, Rule extends string> {
  readonly resource: Resource
  readonly rules: readonly (RuleDefault & { readonly key: Rule })[]
}

/** The rules `resource:key`; the key '' is the resource itself. */
const rules = <const Resource extends string, const Rule extends string>(
  resource: Resource,
  checks: Readonly<Record<Rule, Now>>,
  before?: Former,
): Group<Resource, Rule> => ({
  resource,
  rules: Object.entries<Now>(checks).map(([key, now]) => {
    const { check, former = before } = typeof now === 'string' ? { check: now } : now
    return {
      key: key as Rule,
      name: key === '' ? resource : `${resource}:${key}`,
      check,
      scopes: ['project'],
      ...(former && { deprecated: { name: former.name ?? resource, check: former.check } }),
    }
  }),
})

/** A resource with one rule, which bears its name. */
const rule = <const Resource extends string>(resource: Resource, check: string, before?: Former): Group<Resource, ''> =>
  rules(resource, { '': check }, before)

const groups = [
  rules('os_compute_api:os-admin-actions', { reset_state: admin, inject_network_info: admin }),
  rule('os_compute_api:os-admin-password', member),
  rules('os_compute_api:os-aggregates', {
    set_metadata: admin,
    add_host: admin,
    create: admin,
    remove_host: admin,
    update: admin,
    index: admin,
    delete: admin,
    show: admin,
  }),
  rules('compute:aggregates', { images: admin }),
  rules('os_compute_api:os-assisted-volume-snapshots', { create: service, delete: service }),
  rules('os_compute_api:os-attach-interfaces', { list: reader, show: reader, create: member, delete: member }, were(adminOrOwner)),
  rules('os_compute_api:os-availability-zone', { list: everybody, detail: admin }),
  rules('os_compute_api:os-baremetal-nodes', { list: admin, show: admin }, were(adminApi)),
  rule('os_compute_api:os-console-auth-tokens', admin),
  rule('os_compute_api:os-console-output', member),
  rule('os_compute_api:os-create-backup', member),
  rules('os_compute_api:os-deferred-delete', { restore: member, force: member }, were(adminOrOwner)),
  rule('os_compute_api:os-evacuate', admin),
  rule('os_compute_api:os-extended-server-attributes', admin),
  rule('os_compute_api:extensions', everybody),
  rules('os_compute_api:os-flavor-access', {
    '': was(admin, adminOrOwner, 'os_compute_api:os-flavor-access'),
    add_tenant_access: admin,
    remove_tenant_access: admin,
  }),
  rules('os_compute_api:os-flavor-extra-specs', { show: reader, create: admin, update: admin, delete: admin, index: reader }),
  rules('os_compute_api:os-flavor-manage', { create: admin, update: admin, delete: admin }),
  rule('os_compute_api:os-floating-ip-pools', everybody),
  rules(
    'os_compute_api:os-floating-ips',
    { add: member, remove: member, list: reader, create: member, show: reader, delete: member },
    were(adminOrOwner),
  ),
  rules(
    'os_compute_api:os-hosts',
    { list: admin, show: admin, update: admin, reboot: admin, shutdown: admin, start: admin },
    were(adminApi),
  ),
  rules(
    'os_compute_api:os-hypervisors',
    { list: admin, 'list-detail': admin, statistics: admin, show: admin, uptime: admin, search: admin, servers: admin },
    were(adminApi),
  ),
  rules('os_compute_api:os-instance-actions', {
    'events:details': admin,
    events: admin,
    list: was(reader, adminOrOwner, 'os_compute_api:os-instance-actions'),
    show: was(reader, adminOrOwner, 'os_compute_api:os-instance-actions'),
  }),
  rules('os_compute_api:os-instance-usage-audit-log', { list: admin, show: admin }, were(adminApi)),
  rules('os_compute_api:ips', { show: reader, index: reader }),
  rules('os_compute_api:os-keypairs', { index: keyOwner, create: keyOwner, delete: keyOwner, show: keyOwner }),
  rules('os_compute_api:limits', { '': everybody, other_project: was(admin, adminApi, 'os_compute_api:os-used-limits') }),
  rules('os_compute_api:os-lock-server', { lock: member, unlock: member, 'unlock:unlock_override': admin }),
  rules('os_compute_api:os-migrate-server', {
    migrate: manager,
    'migrate:host': admin,
    migrate_live: manager,
    'migrate_live:host': was(admin, admin, 'os_compute_api:os-migrate-server:migrate_live'),
  }),
  rules('os_compute_api:os-migrations', {
    index: manager,
    'index:all_projects': was(admin, admin, 'os_compute_api:os-migrations:index'),
    'index:host': was(admin, admin, 'os_compute_api:os-migrations:index'),
  }),
  rules('os_compute_api:os-multinic', { add: member, remove: member }, were(adminOrOwner)),
  rules('os_compute_api:os-networks', { list: reader, show: reader }, were(adminOrOwner, 'os_compute_api:os-networks:view')),
  rules('os_compute_api:os-pause-server', { pause: member, unpause: member }),
  rules('os_compute_api:os-quota-class-sets', { show: admin, update: admin }),
  rules('os_compute_api:os-quota-sets', { update: admin, defaults: everybody, show: reader, delete: admin, detail: reader }),
  rule('os_compute_api:os-remote-consoles', member),
  rule('os_compute_api:os-rescue', member),
  rule('os_compute_api:os-unrescue', member, were(adminOrOwner, 'os_compute_api:os-rescue')),
  rules(
    'os_compute_api:os-security-groups',
    {
      get: reader,
      show: reader,
      create: member,
      update: member,
      delete: member,
      'rule:create': member,
      'rule:delete': member,
      list: reader,
      add: member,
      remove: member,
    },
    were(adminOrOwner),
  ),
  rule('os_compute_api:os-server-diagnostics', admin),
  rules('os_compute_api:os-server-external-events', { create: service }),
  rules('os_compute_api:os-server-groups', { create: member, delete: member, index: reader, 'index:all_projects': admin, show: reader }),
  rules('os_compute_api:server-metadata', {
    index: reader,
    show: reader,
    create: member,
    update_all: member,
    update: member,
    delete: member,
  }),
  rules('os_compute_api:os-server-password', { show: reader, clear: member }, were(adminOrOwner)),
  rules('os_compute_api:os-server-shares', { index: reader, create: member, show: reader, delete: member }),
  rules('os_compute_api:os-server-tags', {
    delete_all: member,
    index: reader,
    update_all: member,
    delete: member,
    update: member,
    show: reader,
  }),
  rules('compute:server', { 'topology:index': reader, 'topology:host:index': admin }),
  rules('os_compute_api:servers', {
    index: reader,
    detail: reader,
    'index:get_all_tenants': admin,
    'detail:get_all_tenants': admin,
    allow_all_filters: admin,
    show: reader,
    'show:flavor-extra-specs': was(reader, adminOrOwner, 'os_compute_api:os-flavor-extra-specs:index'),
    'show:host_status': admin,
    'show:host_status:unknown-only': admin,
    create: member,
    'create:forced_host': admin,
    'create:attach_volume': member,
    'create:attach_network': member,
    'create:trusted_certs': member,
    'create:zero_disk_flavor': admin,
    delete: member,
    update: member,
    confirm_resize: member,
    revert_resize: member,
    reboot: member,
    resize: member,
    rebuild: member,
    'rebuild:trusted_certs': member,
    create_image: member,
    'create_image:allow_volume_backed': member,
    start: member,
    stop: member,
    trigger_crash_dump: member,
    'migrations:show': admin,
    'migrations:force_complete': manager,
    'migrations:delete': manager,
    'migrations:index': manager,
    'migrations:index:host': was(admin, admin, 'os_compute_api:servers:migrations:index'),
  }),
  rules('compute:servers', { 'create:requested_destination': admin, 'resize:cross_cell': nobody }),
  rules('network', { attach_external_network: admin }),
  rules('os_compute_api:os-services', { list: admin, update: admin, delete: admin }, were(adminApi)),
  rules('os_compute_api:os-shelve', { shelve: member, unshelve: member, unshelve_to_host: admin, shelve_offload: admin }),
  rules('os_compute_api:os-simple-tenant-usage', { show: reader, list: admin }),
  rules('os_compute_api:os-suspend-server', { resume: member, suspend: member }),
  rules('os_compute_api:os-tenant-networks', { list: reader, show: reader }, were(adminOrOwner)),
  rules(
    'os_compute_api:os-volumes',
    {
      list: reader,
      create: member,
      detail: reader,
      show: reader,
      delete: member,
      'snapshots:list': reader,
      'snapshots:create': member,
      'snapshots:detail': reader,
      'snapshots:show': reader,
      'snapshots:delete': member,
    },
    were(adminOrOwner),
  ),
  rules('os_compute_api:os-volumes-attachments', {
    index: reader,
    create: member,
    show: reader,
    update: member,
    swap: service,
    delete: member,
  }),
] as const

type NameIn<G> = G extends Group<infer Resource, infer Rule> ? (Rule extends '' ? Resource : `${Resource}:${Rule}`) : never

/** The name of a rule that Nova registers. */
export type RuleName = (typeof base)[number]['name'] | NameIn<(typeof groups)[number]>

/** All of them, with their defaults. */
export const policies: readonly (RuleDefault & { readonly name: RuleName })[] = [
  ...base,
  ...groups.flatMap(({ rules }) => rules.map(({ key: _, ...rule }) => rule as RuleDefault & { name: RuleName })),
]
