/** What binds a port to a host: any host binds to an OVS bridge at once, since there is no data plane below. */
import type { Binding, Port } from './documents.ts'

export const vnicTypes = [
  'normal',
  'direct',
  'macvtap',
  'baremetal',
  'direct-physical',
  'virtio-forwarder',
  'smart-nic',
  'vdpa',
  'accelerator-direct',
  'accelerator-direct-physical',
  'remote-managed',
]

export const unbound = { vif_type: 'unbound', vif_details: {} } as const

/** The binding with what its host gives it; without a host it stays unbound. */
export const bind = (binding: Binding): Binding =>
  binding.host ? { ...binding, vif_type: 'ovs', vif_details: { connectivity: 'l2', port_filter: true } } : { ...binding, ...unbound }

export const activeBinding = ({ bindings }: Port): Binding => bindings.find(({ status }) => status === 'ACTIVE')!

/** What a caller may ask of a binding. */
export type BindingWish = Partial<Pick<Binding, 'host' | 'vnic_type' | 'profile'>>

/** The binding with what was asked for; the same one when nothing differs. */
export function rebound(binding: Binding, wish: BindingWish): Binding {
  const next = { ...binding, ...wish }
  return JSON.stringify(next) === JSON.stringify(binding) ? binding : bind({ ...next, ...unbound })
}
