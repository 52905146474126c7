/** Ports coming, changing and going, for the API and for what makes ports on its own: routers, floating IPs. Tells of what servers should hear. */
import { bind, unbound } from './binding.ts'
import type { Binding, FixedIp, Port } from './documents.ts'
import { fault } from './faults.ts'
import { allocate, type WantedIp } from './ipam.ts'
import { changed, type Neutron, newborn } from './state.ts'

export interface NewPort {
  readonly project_id: string
  readonly network_id: string
  readonly name: string
  readonly description?: string
  readonly tags?: readonly string[]
  readonly admin_state_up: boolean
  readonly device_id: string
  readonly device_owner: string
  readonly mac_address?: string
  readonly fixed_ips?: readonly WantedIp[]
  /** What it is before it is bound; DOWN when absent. */
  readonly status?: string
  readonly binding?: Pick<Binding, 'host' | 'vnic_type' | 'profile'>
  readonly security_groups?: readonly string[]
  readonly port_security_enabled?: boolean
  readonly numa_affinity_policy?: string | null
  readonly device_profile?: string | null
  readonly propagate_uplink_status?: boolean
  readonly dns_name?: string
}

/** Owners whose ports are not filtered: those of the network itself. neutron_lib/utils/net.py is_port_trusted */
export const isTrusted = ({ device_owner }: { device_owner: string }): boolean => device_owner.startsWith('network:')

/** Makes a port with its addresses, bound when it has a host. */
export function makePort(neutron: Neutron, values: NewPort): Port {
  const mac_address = values.mac_address ?? freeMac(neutron, values.network_id)
  if (values.mac_address) refuseTakenMac(neutron, values.network_id, values.mac_address)
  const wish = values.binding ?? { host: '', vnic_type: 'normal', profile: {} }
  const binding = bind({ ...unbound, ...wish, status: 'ACTIVE' })
  const port: Port = {
    ...newborn(neutron, values, 1),
    name: values.name,
    network_id: values.network_id,
    mac_address,
    admin_state_up: values.admin_state_up,
    status: binding.host ? 'ACTIVE' : (values.status ?? 'DOWN'),
    device_id: values.device_id,
    device_owner: values.device_owner,
    fixed_ips: allocate(neutron, { ...values, mac_address }, values.fixed_ips),
    allowed_address_pairs: [],
    extra_dhcp_opts: [],
    security_groups: values.security_groups ?? [],
    port_security_enabled: values.port_security_enabled ?? false,
    bindings: [binding],
    numa_affinity_policy: values.numa_affinity_policy ?? null,
    device_profile: values.device_profile ?? null,
    propagate_uplink_status: values.propagate_uplink_status ?? true,
    dns_name: values.dns_name ?? '',
  }
  neutron.store.ports.put(port)
  tellStatus(neutron, port, 'DOWN', port.status)
  return port
}

/** An address of the range that OpenStack uses; made of an id, so that a replay makes the same. */
function freeMac(neutron: Neutron, networkId: string): string {
  for (;;) {
    const octets = neutron.ids.uuid().replaceAll('-', '').slice(-6).match(/../g)!
    const mac = `fa:16:3e:${octets.join(':')}`
    if (!isTakenMac(neutron, networkId, mac)) return mac
  }
}

const isTakenMac = (neutron: Neutron, networkId: string, mac: string): boolean =>
  neutron.store.ports.by('network_id', networkId).some(({ mac_address }) => mac_address === mac)

export function refuseTakenMac(neutron: Neutron, networkId: string, mac: string): void {
  if (isTakenMac(neutron, networkId, mac)) throw fault('MacAddressInUse', networkId, mac)
}

/** Writes the changes and tells of status and addresses. `wentDown`: it was rebound, so it was down in between. */
export function changePort(neutron: Neutron, before: Port, changes: Partial<Port>, wentDown = false): Port {
  const after = changed(neutron, before, changes)
  if (after === before) return before
  neutron.store.ports.put(after)
  if (wentDown) {
    tellStatus(neutron, before, before.status, 'DOWN')
    tellStatus(neutron, after, 'DOWN', after.status)
  } else tellStatus(neutron, after, before.status, after.status)
  if (JSON.stringify(before.fixed_ips) !== JSON.stringify(after.fixed_ips)) tellChanged(neutron, after)
  return after
}

export const setFixedIps = (neutron: Neutron, port: Port, fixed_ips: readonly FixedIp[]): Port => changePort(neutron, port, { fixed_ips })

/** Removes a port; floating IPs that led to it lead nowhere then. */
export function deletePort(neutron: Neutron, port: Port): void {
  for (const fip of neutron.store.floatingIps.by('port_id', port.id))
    neutron.store.floatingIps.put(changed(neutron, fip, { port_id: null, fixed_ip_address: null, router_id: null, status: 'DOWN' }))
  neutron.store.ports.remove(port.id)
  if (isServers(port)) neutron.tell({ name: 'network-vif-deleted', serverId: port.device_id, portId: port.id })
}

// neutron/notifiers/nova.py: only ports of servers are told of.
const isServers = ({ device_id, device_owner }: Port): boolean => device_id !== '' && /^(compute|baremetal):/.test(device_owner)

function tellStatus(neutron: Neutron, port: Port, before: string, after: string): void {
  if (before === after || !isServers(port)) return
  const name = after === 'ACTIVE' ? 'network-vif-plugged' : 'network-vif-unplugged'
  neutron.tell({ name, serverId: port.device_id, portId: port.id })
}

/** The addresses of a server's port, floating ones included, are not what they were. */
export function tellChanged(neutron: Neutron, port: Port): void {
  if (isServers(port)) neutron.tell({ name: 'network-changed', serverId: port.device_id, portId: port.id })
}
