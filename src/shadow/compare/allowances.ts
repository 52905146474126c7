/**
 * Where two right answers may differ. Nothing is left out of a comparison altogether: an order that Nova does not define counts as none, and a
 * value that moves by itself has to be close, or of the same kind.
 */

/** A place in an answer: the route (see route.ts) and the name of the member, or `*` for all. */
interface Place {
  readonly route: RegExp
  readonly name: string
}

/** A list whose order Nova does not define. */
export interface Unordered extends Place {
  readonly why: string
}

/** `close`: numbers within one percent (or 2), dates within two minutes. `kind`: only the kind of the value (text, number, list …) is compared. */
export interface Moving extends Place {
  readonly compare: 'close' | 'kind'
  readonly why: string
}

const rows = 'rows of a table, read without an order'
const neutron = 'as Neutron lists them, which gives no order'
const sets = 'a set in Nova'

export const unordered: readonly Unordered[] = [
  // nova/db/main/api.py service_get_all and nova/compute/api.py HostAPI.service_get_all: cells are gathered as they answer
  { route: /^\/os-services$/, name: 'services', why: rows },
  { route: /^\/os-hosts$/, name: 'hosts', why: rows },
  { route: /^\/os-hosts\/[^/]+$/, name: 'host', why: 'gathered by project in a dict' },
  { route: /^\/os-hypervisors/, name: 'hypervisors', why: 'rows of several cells' },
  { route: /^\/os-hypervisors/, name: 'servers', why: rows },
  { route: /^\/os-hypervisors/, name: 'features', why: sets },
  // nova/api/openstack/compute/availability_zone.py: zones come out of sets
  { route: /^\/os-availability-zone/, name: 'availabilityZoneInfo', why: sets },
  { route: /^\/os-aggregates/, name: 'aggregates', why: rows },
  { route: /^\/os-aggregates/, name: 'hosts', why: rows },
  { route: /^\/os-keypairs$/, name: 'keypairs', why: rows },
  { route: /^\/servers/, name: 'tags', why: rows },
  { route: /^\/servers/, name: 'security_groups', why: neutron },
  { route: /^\/servers/, name: 'rules', why: neutron },
  { route: /^\/servers/, name: 'os-extended-volumes:volumes_attached', why: rows },
  { route: /^\/servers\/[^/]+\/os-volume_attachments$/, name: 'volumeAttachments', why: rows },
  { route: /^\/servers\/[^/]+\/os-interface$/, name: 'interfaceAttachments', why: neutron },
  { route: /^\/servers\/[^/]+\/os-virtual-interfaces$/, name: 'virtual_interfaces', why: rows },
  { route: /^\/os-server-groups/, name: 'server_groups', why: rows },
  // nova/api/openstack/compute/server_groups.py _format_server_group: list(set(members) & …)
  { route: /^\/os-server-groups/, name: 'members', why: sets },
  // nova/compute/api.py get_migrations: sorted from 2.59 on
  { route: /^\/(?:os-migrations|servers\/[^/]+\/migrations)$/, name: 'migrations', why: rows },
  { route: /^\/os-simple-tenant-usage/, name: 'tenant_usages', why: 'gathered by project in a dict' },
  { route: /^\/os-simple-tenant-usage/, name: 'server_usages', why: 'rows of several cells' },
  { route: /^\/os-instance_usage_audit_log/, name: 'hosts_not_run', why: sets },
  { route: /^\/flavors\/[^/]+\/os-flavor-access$/, name: 'flavor_access', why: rows },
  { route: /^\/os-(?:tenant-)?networks$/, name: 'networks', why: neutron },
  { route: /^\/os-security-groups/, name: 'security_groups', why: neutron },
  { route: /^\/os-security-groups/, name: 'rules', why: neutron },
  { route: /^\/os-floating-ips$/, name: 'floating_ips', why: neutron },
  { route: /^\/os-floating-ip-pools$/, name: 'floating_ip_pools', why: neutron },
]

export const moving: readonly Moving[] = [
  { route: /^\/servers/, name: 'updated', compare: 'close', why: 'written whenever a compute reports' },
  { route: /^\/servers/, name: 'progress', compare: 'kind', why: 'moves while a server is built or moved' },
  { route: /^\/servers\/[^/]+\/diagnostics$/, name: '*', compare: 'kind', why: 'counters of a guest that runs' },
  { route: /^\/os-services/, name: 'updated_at', compare: 'close', why: 'each service writes it every 10 s' },
  { route: /^\/os-hypervisors/, name: 'uptime', compare: 'kind', why: 'the clock of the host is in it' },
  { route: /^\/os-hypervisors/, name: 'host_time', compare: 'kind', why: 'a clock' },
  { route: /^\/os-hypervisors/, name: 'load_average', compare: 'kind', why: 'moves with the host' },
  ...['start', 'stop', 'hours', 'uptime', 'total_hours', 'total_memory_mb_usage', 'total_vcpus_usage', 'total_local_gb_usage'].map(
    (name): Moving => ({ route: /^\/os-simple-tenant-usage/, name, compare: 'close', why: 'counted up to now' }),
  ),
  // nova/api/metadata/base.py: made anew for each answer
  { route: /^\/[^/]+\/meta_data\.json$/, name: 'random_seed', compare: 'kind', why: 'random' },
]

/** What holds for the answers to one route. */
export interface Allowances {
  isUnordered(name: string): boolean
  movingBy(name: string): Moving['compare'] | undefined
}

export function allowancesOf(route: string): Allowances {
  const lists = new Set(unordered.filter((each) => each.route.test(route)).map(({ name }) => name))
  const values = new Map(moving.filter((each) => each.route.test(route)).map(({ name, compare }) => [name, compare]))
  return {
    isUnordered: (name) => lists.has(name),
    movingBy: (name) => values.get(name) ?? values.get('*'),
  }
}
