/** Security groups of servers: they are on the ports, which are Neutron's. */
import type { RequestContext } from '../../oslo/context.ts'
import { PeerError } from '../../oslo/keystoneauth/errors.ts'
import { type NeutronClient, type NeutronPort, type NeutronSecurityGroup, neutronText } from '../../peers/neutron.ts'
import type { Server } from '../../stores/cell/servers.ts'
import type { Backends } from '../backends.ts'
import { Fault } from '../faults.ts'

export type SecurityGroup = NeutronSecurityGroup

/** The groups on the ports of a server, in the order of its ports, each once for every port it is on. */
export async function groupsOfServer(
  { peers }: Backends,
  context: RequestContext,
  { uuid }: Server,
): Promise<readonly NeutronSecurityGroup[]> {
  const neutron = peers.neutron.as(context)
  const ports = await neutron.list('ports', { device_id: uuid })
  const ids = [...new Set(ports.flatMap((port) => port.security_groups))]
  const groups = ids.length === 0 ? [] : await neutron.list('security-groups', { id: ids })
  const known = new Map(groups.map((group) => [group.id, group]))
  // A group that the caller may not see is left out
  return ports.flatMap((port) => port.security_groups.flatMap((id) => known.get(id) ?? []))
}

/** Groups by id; those that are not there or not to be seen are left out. */
export async function groupsById(
  { peers }: Backends,
  context: RequestContext,
  ids: readonly string[],
): Promise<readonly NeutronSecurityGroup[]> {
  return ids.length === 0 ? [] : peers.neutron.as(context).list('security-groups', { id: ids })
}

/** Puts a group, by name or id, on every port of the server. */
export async function addSecurityGroup({ peers }: Backends, context: RequestContext, server: Server, name: string): Promise<void> {
  const neutron = peers.neutron.as(context)
  const group = await findGroup(neutron, context, name)
  for (const port of await portsOf(neutron, server)) {
    if (!takesGroups(port)) throw new Fault('badRequest', unfitPort)
    await change(neutron, port, [...(port.security_groups ?? []), group], { 400: 'badRequest', 409: 'conflict' })
  }
}

/** Takes a group off the ports that have it. */
export async function removeSecurityGroup({ peers }: Backends, context: RequestContext, server: Server, name: string): Promise<void> {
  const neutron = peers.neutron.as(context)
  const group = await findGroup(neutron, context, name)
  const having = (await portsOf(neutron, server)).filter((port) => port.security_groups?.includes(group))
  if (having.length === 0) throw groupNotFound(`Security group ${name} not associated with the instance ${server.uuid}`)
  for (const port of having)
    await change(
      neutron,
      port,
      port.security_groups.filter((id) => id !== group),
    )
}

const unfitPort = 'Network requires port_security_enabled and subnet associated in order to apply security groups.'
const groupNotFound = (text: string): Fault => new Fault('missing', text)
const uuidForm = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** neutronclient's find_resource: an id first, then a name among the caller's own groups. */
async function findGroup(neutron: NeutronClient, { projectId }: RequestContext, name: string): Promise<string> {
  const byId = uuidForm.test(name) ? await neutron.list('security-groups', { id: name }) : []
  if (byId[0]) return byId[0].id
  const byName = await neutron.list('security-groups', { name, ...(projectId && { tenant_id: projectId }) })
  if (byName.length > 1)
    throw new Fault('conflict', `Multiple security_group matches found for name '${name}', use an ID to be more specific.`)
  if (!byName[0]) throw groupNotFound(`Security group ${name} is not found for project ${projectId}`)
  return byName[0].id
}

async function portsOf(neutron: NeutronClient, { uuid }: Server): Promise<readonly NeutronPort[]> {
  const ports = await neutron.list('ports', { device_id: uuid })
  if (ports.length === 0) throw groupNotFound(`instance_id ${uuid} could not be found as device id on any ports`)
  return ports
}

/** nova/network/security_group_api.py _has_security_group_requirements */
const takesGroups = ({ fixed_ips, ip_allocation, port_security_enabled = true }: NeutronPort): boolean =>
  (fixed_ips?.length > 0 || ip_allocation === 'deferred') && port_security_enabled

async function change(
  neutron: NeutronClient,
  { id }: NeutronPort,
  groups: readonly string[],
  refusals: Readonly<Record<number, 'badRequest' | 'conflict'>> = {},
): Promise<void> {
  try {
    await neutron.update('ports', id, { security_groups: groups })
  } catch (error) {
    const kind = error instanceof PeerError && error.status !== undefined ? refusals[error.status] : undefined
    throw kind ? new Fault(kind, neutronText(error as PeerError)) : error
  }
}
