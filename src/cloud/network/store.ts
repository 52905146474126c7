/** The tables of the network service on its shelf. */
import type { Collection, Document, Shelf } from '../shelf.ts'
import type {
  AddressGroup,
  AddressScope,
  AutoTopology,
  DefaultRule,
  FloatingIp,
  Network,
  Port,
  QuotaLimits,
  RbacPolicy,
  Router,
  SecurityGroup,
  SecurityGroupRule,
  Subnet,
  SubnetPool,
} from './documents.ts'

export type Table<T extends Document> = Collection<T>

export interface Store {
  readonly networks: Table<Network>
  readonly subnets: Table<Subnet>
  readonly ports: Table<Port>
  readonly securityGroups: Table<SecurityGroup>
  readonly securityGroupRules: Table<SecurityGroupRule>
  readonly defaultRules: Table<DefaultRule>
  readonly routers: Table<Router>
  readonly floatingIps: Table<FloatingIp>
  readonly subnetPools: Table<SubnetPool>
  readonly addressScopes: Table<AddressScope>
  readonly addressGroups: Table<AddressGroup>
  readonly rbacPolicies: Table<RbacPolicy>
  readonly quotas: Table<QuotaLimits>
  readonly autoTopologies: Table<AutoTopology>
  /** One transaction: all of it or nothing. */
  write<T>(change: () => T): T
}

export const openStore = (shelf: Shelf): Store => {
  const table = <T extends Document>(name: string): Table<T> => shelf.collection(`network/${name}`)
  return {
    networks: table('networks'),
    subnets: table('subnets'),
    ports: table('ports'),
    securityGroups: table('security_groups'),
    securityGroupRules: table('security_group_rules'),
    defaultRules: table('default_security_group_rules'),
    routers: table('routers'),
    floatingIps: table('floatingips'),
    subnetPools: table('subnetpools'),
    addressScopes: table('address_scopes'),
    addressGroups: table('address_groups'),
    rbacPolicies: table('rbac_policies'),
    quotas: table('quotas'),
    autoTopologies: table('auto_topologies'),
    write: (change) => shelf.write(change),
  }
}
