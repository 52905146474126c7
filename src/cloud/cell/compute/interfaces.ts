/** Interfaces of a server that runs: attached, taken away, and fixed addresses on them. */
import { NetworkRequest } from '../../../stores/objects/network-request.ts'
import { nova } from '../errors.ts'
import { allocate } from '../network/allocate.ts'
import { clientOf } from '../network/client.ts'
import { networkInfo } from '../network/info.ts'
import { deallocatePort } from '../network/release.ts'
import type { Host } from '../parts.ts'
import { loadServer } from '../server.ts'
import type { Job, Verb } from './method.ts'

/** Answers with the new interface. nova/compute/manager.py ComputeManager._attach_interface */
export const attach: Verb = {
  keepsTask: true,
  expected: [
    'FixedIpInvalidOnHost',
    'InvalidInput',
    'NetworkAmbiguous',
    'PortInUse',
    'PortNotUsable',
    'PortNotUsableDNS',
    'SecurityGroupCannotBeApplied',
  ],
  async run(host, { context, server, args }) {
    const wish = NetworkRequest.make({
      network_id: args.network_id as string | null,
      port_id: args.port_id as string | null,
      address: args.requested_ip as string | null,
      tag: args.tag as string | null,
    })
    const [vif, ...more] = await allocate(host, { context, server, requested: [wish] })
    if (!vif || more.length > 0) throw nova('InterfaceAttachFailed', { instance_uuid: server.uuid })
    try {
      await host.hypervisor.attachInterface(server.uuid, vif)
    } catch {
      await deallocatePort(host, await loadServer(host.cell, server.uuid), vif.id!)
      throw nova('InterfaceAttachFailed', { instance_uuid: server.uuid })
    }
    return vif
  },
}

/** nova/compute/manager.py ComputeManager._detach_interface */
export const detach: Verb = {
  keepsTask: true,
  async run(host, { server, args, again }) {
    const port = args.port_id as string
    const attached = (server.networkInfo ?? []).some(({ id }) => id === port)
    if (!attached) {
      if (again) return
      throw nova('PortNotFound', { port_id: port }, `Port ${port} is not attached`)
    }
    try {
      await host.hypervisor.detachInterface(server.uuid, port)
    } catch {
      if (!again) throw nova('InterfaceDetachFailed', { instance_uuid: server.uuid })
    }
    await deallocatePort(host, server, port)
  },
}

type Port = { id: string; fixed_ips: readonly { subnet_id: string; ip_address?: string }[] }

async function portsOf(host: Host, { context, server }: Job, more: Readonly<Record<string, string>>): Promise<Port[]> {
  const owner = `compute:${server.availabilityZone}`
  return clientOf(host, context).list('ports', { device_id: server.uuid, device_owner: owner, ...more })
}

/** nova/network/neutron.py API.add_fixed_ip_to_instance: the first port that takes an address of the first subnet that has one */
export const addFixedIp: Verb = {
  event: null,
  keepsTask: true,
  async run(host, job) {
    const client = clientOf(host, job.context)
    const networkId = String(job.args.network_id)
    const subnets = await client.list('subnets', { network_id: networkId })
    const ports = subnets.length === 0 ? [] : await portsOf(host, job, { network_id: networkId })
    for (const port of ports)
      for (const subnet of subnets) {
        const added = await client.update('ports', port.id, { fixed_ips: [...port.fixed_ips, { subnet_id: subnet.id }] }).catch(() => null)
        if (added) return changedAddresses(host, job)
      }
    throw nova('NetworkNotFoundForInstance', { instance_id: job.server.uuid })
  },
}

export const removeFixedIp: Verb = {
  event: null,
  keepsTask: true,
  async run(host, job) {
    const address = String(job.args.address)
    const [port] = await portsOf(host, job, { fixed_ips: `ip_address=${address}` })
    if (!port) throw nova('FixedIpNotFoundForInstance', { instance_uuid: job.server.uuid, ip: address })
    const left = port.fixed_ips.filter(({ ip_address }) => ip_address !== address)
    await clientOf(host, job.context).update('ports', port.id, { fixed_ips: left })
    return changedAddresses(host, job)
  },
}

/** The server shows that it has changed. */
async function changedAddresses(host: Host, { server }: Job): Promise<void> {
  await networkInfo(host, server)
  await host.cell.servers.update(server.uuid, {})
}

export const injectNetworkInfo: Verb = {
  event: null,
  keepsTask: true,
  run: (host, { server }) => networkInfo(host, server).then(() => undefined),
}
