/**
 * Who may do what: Neutron's default rules (neutron/conf/policies) as functions, and the words in which a refusal names them.
 * A rule that is not listed is `admin or owner` for what is sent, and open for what is shown, as in neutron/policy.py.
 */
import type { Caller } from '../service.ts'
import { type Attributes, explicitlySet } from './attributes.ts'
import { isDictionary } from './checks.ts'
import { fault } from './faults.ts'
import { isShared } from './sharing.ts'
import type { Operation } from './state.ts'

/** What the rule is asked about: a document or the values of one to be made. */
export type Target = Readonly<Record<string, unknown>>
type Rule = (target: Target, operation: Operation) => boolean

/** admin implies manager, manager implies member, member implies reader (Keystone's bootstrap). */
const implying: Readonly<Record<string, readonly string[]>> = {
  reader: ['reader', 'member', 'manager', 'admin'],
  member: ['member', 'manager', 'admin'],
  manager: ['manager', 'admin'],
}
const hasRole = (caller: Caller, role: string): boolean => implying[role]!.some((name) => caller.roles.includes(name))
export const isService = (caller: Caller): boolean => caller.roles.includes('service')

const admin: Rule = (_, { caller }) => caller.isAdmin
const service: Rule = (_, { caller }) => isService(caller)
const anyReader: Rule = (_, { caller }) => hasRole(caller, 'reader')
const inProject =
  (role: string): Rule =>
  (target, { caller }) =>
    caller.projectId !== null && target.project_id === caller.projectId && hasRole(caller, role)
const ofNetworkOwner =
  (role: string): Rule =>
  (target, { caller, neutron }) =>
    hasRole(caller, role) && neutron.store.networks.get(String(target.network_id))?.project_id === caller.projectId
const ofGroupOwner =
  (role: string): Rule =>
  (target, { caller, neutron }) =>
    hasRole(caller, role) && neutron.store.securityGroups.get(String(target.security_group_id))?.project_id === caller.projectId
const onSharedNetwork: Rule = (target, { neutron, caller }) => isShared(neutron, 'network', String(target.network_id), caller.projectId)
const isSharedItself: Rule = (target) => target.shared === true
const isExternal: Rule = (target) => target['router:external'] === true
const noNetworkDevice: Rule = (target) => !/^network:/.test(String(target.device_owner ?? ''))
const notForAll: Rule = (target) => target.target_tenant !== '*'
const defaultRule: Rule = (_target, { caller }) => caller.isAdmin || (caller.projectId !== null && _target.project_id === caller.projectId)

const any =
  (...rules: readonly Rule[]): Rule =>
  (target, operation) =>
    rules.some((rule) => rule(target, operation))

const reader = any(admin, inProject('reader'))
const member = any(admin, inProject('member'))
const manager = any(admin, inProject('manager'))
const adminOrService = any(admin, service)
const portMember = any(admin, service, inProject('member'))
const portNetworkMember = any(admin, service, ofNetworkOwner('member'))
const readNetwork = any(admin, service, inProject('reader'), isSharedItself, isExternal)
const writeSubnet = any(admin, inProject('member'), ofNetworkOwner('member'))
const readSubnet = any(admin, inProject('reader'), onSharedNetwork, isExternal, ofNetworkOwner('reader'))
const readShared = any(reader, isSharedItself)

const all = (actions: readonly string[], rule: Rule): Record<string, Rule> => Object.fromEntries(actions.map((action) => [action, rule]))
const crud = (resource: string, read: Rule, write: Rule): Record<string, Rule> => ({
  ...all([`get_${resource}`, `get_${resource}:tags`], read),
  ...all(
    ['create', 'update', 'delete'].flatMap((verb) => [`${verb}_${resource}`, `${verb}_${resource}:tags`]),
    write,
  ),
})
const provider = ['provider:network_type', 'provider:physical_network', 'provider:segmentation_id', 'segments']
const pairKeys = ['', ':mac_address', ':ip_address']
const gateway = (verb: string): string => `${verb}_router:external_gateway_info`

const rules: Readonly<Record<string, Rule>> = {
  ...crud('network', readNetwork, member),
  // Without the service role, unlike the network itself.
  'get_network:tags': any(admin, inProject('reader'), isSharedItself, isExternal),
  ...all(
    ['create', 'update'].flatMap((verb) => ['shared', 'router:external', 'is_default', ...provider].map((key) => `${verb}_network:${key}`)),
    admin,
  ),
  ...all(
    provider.map((key) => `get_network:${key}`),
    admin,
  ),
  ...all(['create_network:port_security_enabled', 'update_network:port_security_enabled'], member),

  ...crud('subnet', any(readSubnet, service), writeSubnet),
  'get_subnet:tags': readSubnet,
  create_subnet: any(admin, ofNetworkOwner('member')),

  ...crud('port', any(admin, service, ofNetworkOwner('reader'), inProject('reader')), portMember),
  delete_port: any(admin, service, ofNetworkOwner('member'), inProject('member')),
  'get_port:tags': any(admin, ofNetworkOwner('reader'), inProject('reader')),
  'delete_port:tags': any(admin, ofNetworkOwner('member'), inProject('member')),
  ...all(['create_port:tags', 'update_port:tags'], member),
  ...all(['create_port:device_id', 'update_port:device_id'], portMember),
  ...all(['create_port:device_owner', 'update_port:device_owner'], any(noNetworkDevice, portNetworkMember)),
  'create_port:mac_address': portNetworkMember,
  'update_port:mac_address': any(admin, service, ofNetworkOwner('manager')),
  ...all(['create_port:fixed_ips', 'create_port:fixed_ips:subnet_id'], any(portNetworkMember, onSharedNetwork)),
  ...all(['create_port:fixed_ips:ip_address', 'update_port:fixed_ips', 'update_port:fixed_ips:ip_address'], portNetworkMember),
  'update_port:fixed_ips:subnet_id': any(portNetworkMember, onSharedNetwork),
  ...all(['create_port:port_security_enabled', 'update_port:port_security_enabled'], portNetworkMember),
  ...all(['create_port:binding:host_id', 'update_port:binding:host_id'], adminOrService),
  ...all(['create_port:binding:profile', 'update_port:binding:profile'], service),
  ...all(['create_port:binding:vnic_type', 'update_port:binding:vnic_type'], portMember),
  ...all(
    ['vif_type', 'vif_details', 'host_id', 'profile'].map((key) => `get_port:binding:${key}`),
    adminOrService,
  ),
  ...all(
    ['create', 'update'].flatMap((verb) => pairKeys.map((key) => `${verb}_port:allowed_address_pairs${key}`)),
    portNetworkMember,
  ),
  get_port_binding: adminOrService,
  ...all(['create_port_binding', 'update_port_binding', 'delete_port_binding', 'activate'], service),

  ...crud('security_group', readShared, member),
  get_security_group_rule: any(admin, ofGroupOwner('reader')),
  ...all(['create_security_group_rule', 'delete_security_group_rule'], any(admin, ofGroupOwner('member'))),
  get_default_security_group_rule: anyReader,
  ...all(['create_default_security_group_rule', 'delete_default_security_group_rule'], admin),

  ...crud('router', reader, member),
  ...all(
    [gateway('create'), gateway('update')].flatMap((name) => [name, `${name}:network_id`]),
    member,
  ),
  ...all(
    [gateway('create'), gateway('update')].flatMap((name) => [`${name}:enable_snat`, `${name}:external_fixed_ips`]),
    admin,
  ),
  ...all(['add_router_interface', 'remove_router_interface', 'add_extraroutes', 'remove_extraroutes'], member),

  ...crud('floatingip', reader, member),
  'create_floatingip:floating_ip_address': manager,
  get_floatingip_pool: reader,

  ...crud('subnetpool', readShared, member),
  ...all(['create_subnetpool:shared', 'create_subnetpool:is_default', 'update_subnetpool:is_default'], admin),
  ...all(['add_prefixes', 'remove_prefixes'], member),
  ...crud('address_scope', readShared, member),
  ...all(['create_address_scope:shared', 'update_address_scope:shared'], admin),
  ...crud('address_group', readShared, defaultRule),
  ...crud('rbac_policy', reader, member),
  ...all(['create_rbac_policy:target_tenant', 'update_rbac_policy:target_tenant'], any(admin, notForAll)),

  ...all(['get_agent', 'update_agent', 'delete_agent'], admin),
  get_availability_zone: anyReader,
  get_service_provider: anyReader,
  get_network_ip_availability: adminOrService,
  get_quota: manager,
  ...all(['update_quota', 'delete_quota'], admin),
  get_auto_allocated_topology: reader,
  delete_auto_allocated_topology: member,
}

/** Whether the caller may; a rule nobody wrote is `admin or owner`. */
export const allowed = (rule: string, target: Target, operation: Operation): boolean => (rules[rule] ?? defaultRule)(target, operation)

/** Whether an attribute may be shown; without a rule it is. */
export const mayShow = (rule: string, target: Target, operation: Operation): boolean => rules[rule]?.(target, operation) ?? true

export const hasShowRule = (rule: string): boolean => rule in rules

/** 403 that names the rule. */
export function enforce(rule: string, target: Target, operation: Operation): void {
  if (!allowed(rule, target, operation)) throw fault('PolicyNotAuthorized', `rule:${rule}`)
}

/**
 * Asks the rule of an action and those of the attributes that were sent; false when one says no. The text is the whole expression, as
 * oslo.policy prints it: `(rule:create_port and (rule:create_port:fixed_ips and (rule:create_port:fixed_ips:subnet_id)))`.
 */
export function mayWrite(
  action: string,
  attributes: Attributes<never>,
  values: Readonly<Record<string, unknown>>,
  target: Target,
  operation: Operation,
): { allowed: boolean; text: string } {
  let text = `rule:${action}`
  let yes = allowed(action, target, operation)
  for (const key of explicitlySet(attributes, { ...values }, action.startsWith('create_'))) {
    const { guarded } = attributes[key]!
    if (!guarded) continue
    const own = `${action}:${key}`
    const parts = guarded === true ? [] : partsOf(values[key], guarded).map((part) => `${own}:${part}`)
    yes &&= [own, ...parts].every((rule) => allowed(rule, target, operation))
    const written = parts.length > 0 ? `(rule:${own} and (${parts.map((part) => `rule:${part}`).join(' and ')}))` : `rule:${own}`
    text = `(${text} and ${written})`
  }
  return { allowed: yes, text }
}

/** The keys with rules of their own that a dictionary, or the dictionaries of a list, have. */
function partsOf(value: unknown, keys: readonly string[]): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => (isDictionary(item) ? Object.keys(item) : []))
  return isDictionary(value) ? keys.filter((key) => key in value) : []
}
