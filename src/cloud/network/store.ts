/** The tables of the network service on its shelf, with look-ups by a field that stay quick for thousands of rows. */
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

export interface Table<T extends Document> extends Collection<T> {
  /** Those whose field has this value. From an index that is made at the first question and kept up. */
  by<K extends keyof T & string>(field: K, value: T[K]): readonly T[]
}

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

type Index<T> = Map<unknown, Map<string, T>>

export function openStore(shelf: Shelf): Store {
  /** Forgets all indexes: what a transaction that failed did to them is not worth taking back. */
  const forget: (() => void)[] = []

  function table<T extends Document>(name: string): Table<T> {
    const rows = shelf.collection<T>(`network/${name}`)
    const indexes = new Map<keyof T & string, Index<T>>()
    forget.push(() => indexes.clear())
    const enter = (index: Index<T>, field: keyof T & string, row: T) => {
      const group = index.get(row[field])
      if (group) group.set(row.id, row)
      else index.set(row[field], new Map([[row.id, row]]))
    }
    const indexOf = (field: keyof T & string): Index<T> => {
      let index = indexes.get(field)
      if (!index) {
        indexes.set(field, (index = new Map()))
        for (const row of rows.all()) enter(index, field, row)
      }
      return index
    }
    return {
      ...rows,
      get size() {
        return rows.size
      },
      by: (field, value) => [...(indexOf(field).get(value)?.values() ?? [])],
      put(value) {
        const before = rows.get(value.id)
        for (const [field, index] of indexes) {
          if (before && before[field] !== value[field]) index.get(before[field])?.delete(value.id)
          enter(index, field, value)
        }
        return rows.put(value)
      },
      remove(id) {
        const before = rows.get(id)
        if (before) for (const [field, index] of indexes) index.get(before[field])?.delete(id)
        return rows.remove(id)
      },
    }
  }

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
    write(change) {
      try {
        return shelf.write(change)
      } catch (error) {
        for (const each of forget) each()
        throw error
      }
    },
  }
}
