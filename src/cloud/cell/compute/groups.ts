/** A second look at the rules of server groups, on the host itself: two servers may have been placed at the same moment. */
import { nova } from '../errors.ts'
import type { Host } from '../parts.ts'

/** Throws a GroupAffinityViolation. nova/compute/manager.py ComputeManager._validate_instance_group_policy */
export async function refuseGroupViolation({ api, cell, name }: Host, server: string): Promise<void> {
  const group = await api.serverGroups.policyOf(server)
  if (group?.policy !== 'anti-affinity' && group?.policy !== 'affinity') return
  const hosts = [...(await cell.occupancy.hostsOf(group.members.filter((member) => member !== server))).values()]
  if (group.policy === 'affinity') {
    if (hosts.length > 0 && !hosts.includes(name)) throw nova('GroupAffinityViolation', { instance_uuid: server, policy: 'Affinity' })
    return
  }
  const here = hosts.filter((host) => host === name).length
  if (here >= Number(group.rules.max_server_per_host ?? 1))
    throw nova('GroupAffinityViolation', { instance_uuid: server, policy: 'Anti-affinity' })
}
