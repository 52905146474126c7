/** The addresses of a server, as its network info cache knows them. */
import type { FixedIp, Vif } from '../../stores/cell/servers.ts'

export interface Address {
  readonly address: string
  readonly version: number
  /** fixed or floating */
  readonly type: string
  readonly mac: string
}

const known = new WeakMap<readonly Vif[], ReadonlyMap<string, readonly Address[]>>()

/** By the network's label: fixed addresses of all its interfaces first, then floating ones. */
export function addressesOf(vifs: readonly Vif[] | null): ReadonlyMap<string, readonly Address[]> {
  if (!vifs) return new Map()
  // The cache is parsed once per text and shared, so its addresses can be as well
  let found = known.get(vifs)
  if (!found) known.set(vifs, (found = collect(vifs)))
  return found
}

function collect(vifs: readonly Vif[]): Map<string, Address[]> {
  const fixed = new Map<string, Address[]>()
  const floating = new Map<string, Address[]>()
  for (const { address: mac, network } of vifs) {
    const list = fixed.get(network.label) ?? []
    fixed.set(network.label, list)
    const ips = network.subnets.flatMap((subnet) => subnet.ips)
    for (const ip of ips) list.push(addressOf(ip, mac))
    floating.set(network.label, [
      ...(floating.get(network.label) ?? []),
      ...ips.flatMap((ip) => (ip.floating_ips ?? []).map((each) => addressOf({ type: 'floating', ...each }, mac))),
    ])
  }
  for (const [label, list] of floating) fixed.get(label)!.push(...list)
  return fixed
}

const addressOf = ({ address, version, type }: Pick<FixedIp, 'address' | 'version' | 'type'>, mac: string): Address => ({
  address,
  version,
  type,
  mac,
})
