/** What the network service keeps, one document per resource, in the names of its API. */
import type { Document } from '../shelf.ts'

/** What Neutron gives every resource of its own right (its "standard attributes"). */
export interface Standard extends Document {
  /** Empty for ports that belong to a router's gateway or a floating IP. */
  readonly project_id: string
  readonly description: string | null
  readonly tags: readonly string[]
  readonly created_at: string
  readonly updated_at: string
  readonly revision_number: number
}

export interface Segment {
  readonly network_type: string
  readonly physical_network: string | null
  readonly segmentation_id: number | null
}

export interface Network extends Standard {
  readonly name: string
  readonly admin_state_up: boolean
  readonly status: string
  /** `router:external` in the API. */
  readonly external: boolean
  readonly is_default: boolean
  readonly mtu: number
  readonly port_security_enabled: boolean
  readonly dns_domain: string
  readonly availability_zone_hints: readonly string[]
  readonly segment: Segment
}

export interface Pool {
  readonly start: string
  readonly end: string
}

export interface Route {
  readonly destination: string
  readonly nexthop: string
}

export interface Subnet extends Standard {
  readonly name: string
  readonly network_id: string
  readonly ip_version: 4 | 6
  readonly cidr: string
  readonly subnetpool_id: string | null
  readonly gateway_ip: string | null
  readonly enable_dhcp: boolean
  readonly ipv6_ra_mode: string | null
  readonly ipv6_address_mode: string | null
  readonly allocation_pools: readonly Pool[]
  readonly dns_nameservers: readonly string[]
  readonly host_routes: readonly Route[]
  readonly service_types: readonly string[]
}

export interface FixedIp {
  readonly subnet_id: string
  readonly ip_address: string
}

export interface AddressPair {
  readonly ip_address: string
  readonly mac_address: string
}

export interface DhcpOption {
  readonly opt_name: string
  readonly opt_value: string
  readonly ip_version: number
}

export interface Binding {
  readonly host: string
  readonly vif_type: string
  readonly vif_details: Readonly<Record<string, unknown>>
  readonly vnic_type: string
  readonly profile: Readonly<Record<string, unknown>>
  readonly status: 'ACTIVE' | 'INACTIVE'
}

export interface Port extends Standard {
  readonly name: string
  readonly network_id: string
  readonly mac_address: string
  readonly admin_state_up: boolean
  readonly status: string
  readonly device_id: string
  readonly device_owner: string
  readonly fixed_ips: readonly FixedIp[]
  readonly allowed_address_pairs: readonly AddressPair[]
  readonly extra_dhcp_opts: readonly DhcpOption[]
  readonly security_groups: readonly string[]
  readonly port_security_enabled: boolean
  /** One is ACTIVE; the others wait for a migration. */
  readonly bindings: readonly Binding[]
  readonly numa_affinity_policy: string | null
  readonly device_profile: string | null
  readonly propagate_uplink_status: boolean
  readonly dns_name: string
}

export interface SecurityGroup extends Standard {
  readonly name: string
  readonly stateful: boolean
  /** The one that each project has without asking. */
  readonly is_default: boolean
}

export interface RuleShape {
  readonly direction: string
  readonly ethertype: string
  readonly protocol: string | null
  readonly port_range_min: number | null
  readonly port_range_max: number | null
  readonly remote_ip_prefix: string | null
  readonly remote_group_id: string | null
  readonly remote_address_group_id: string | null
}

export interface SecurityGroupRule extends Standard, RuleShape {
  readonly security_group_id: string
}

/** A template of the rules that new security groups start with; `PARENT` as remote group stands for the new group. */
export interface DefaultRule extends Document, RuleShape {
  readonly description: string
  readonly used_in_default_sg: boolean
  readonly used_in_non_default_sg: boolean
}

export interface Router extends Standard {
  readonly name: string
  readonly admin_state_up: boolean
  readonly status: string
  readonly gw_port_id: string | null
  readonly enable_snat: boolean
  readonly routes: readonly Route[]
  readonly availability_zone_hints: readonly string[]
}

export interface FloatingIp extends Standard {
  readonly floating_network_id: string
  readonly floating_ip_address: string
  /** The port on the external network that holds the address. */
  readonly floating_port_id: string
  readonly port_id: string | null
  readonly fixed_ip_address: string | null
  readonly router_id: string | null
  readonly status: string
  readonly dns_name: string
  readonly dns_domain: string
}

export interface SubnetPool extends Standard {
  readonly name: string
  readonly prefixes: readonly string[]
  readonly ip_version: 4 | 6
  readonly default_prefixlen: number
  readonly min_prefixlen: number
  readonly max_prefixlen: number
  readonly default_quota: number | null
  readonly address_scope_id: string | null
  readonly is_default: boolean
}

export interface AddressScope extends Document {
  readonly project_id: string
  readonly name: string
  readonly ip_version: 4 | 6
}

export interface AddressGroup extends Standard {
  readonly name: string
  readonly addresses: readonly string[]
}

export interface RbacPolicy extends Document {
  readonly project_id: string
  readonly object_type: string
  readonly object_id: string
  readonly action: string
  /** A project, or `*` for all. */
  readonly target_tenant: string
}

/** The limits that were set for a project, its id being the document's; what is missing has its default. */
export interface QuotaLimits extends Document {
  readonly limits: Readonly<Record<string, number>>
}

/** What `auto-allocated-topology` made for a project, its id being the document's. */
export interface AutoTopology extends Document {
  readonly network_id: string
  readonly router_id: string
}
