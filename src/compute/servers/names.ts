/** What a server is called where users cannot choose. */
import { createHash } from 'node:crypto'
import { snake } from '../../stores/camel.ts'
import type { Server } from '../../stores/cell/servers.ts'

/** What says how far a server is; other attributes may stand in the template. */
type Named = Pick<Server, 'id' | 'uuid' | 'vmState' | 'taskState'> & Partial<Pick<Server, 'pending'>>

/** Its name on the hypervisor: [DEFAULT] instance_name_template filled in; blank before a cell has it (nova/objects/instance.py name). */
export function hypervisorName(template: string, server: Named): string {
  if (server.pending) return server.vmState === 'building' && server.taskState === 'scheduling' ? '' : server.uuid
  const byName = template.includes('%(')
  if (!byName) return template.replace(/%(0?)(\d*)([xXdi])/, (_, zero, width, kind) => padded(server.id, kind, Number(width), zero))
  const values = Object.fromEntries(Object.entries(server).map(([name, value]) => [snake(name), value]))
  const named = /%\((\w+)\)(0?)(\d*)([sxXdi])/g
  if ([...template.matchAll(named)].some(([, name]) => !(name! in values))) return server.uuid
  return template.replace(named, (_, name, zero, width, kind) => padded(values[name], kind, Number(width), zero))
}

function padded(value: unknown, kind: string, width: number, zero: string): string {
  const text = kind === 'x' ? Number(value).toString(16) : kind === 'X' ? Number(value).toString(16).toUpperCase() : String(value)
  return text.padStart(width, zero || ' ')
}

/** A name for the host that says nothing of it but whether two servers of a project share one (nova/utils.py generate_hostid). */
export function hostId(host: string | null, projectId: string | null): string {
  if (!host) return ''
  const key = `${projectId}${host}`
  let id = hostIds.get(key)
  if (id === undefined) {
    id = createHash('sha224').update(key).digest('hex')
    if (hostIds.size > 10_000) hostIds.clear()
    hostIds.set(key, id)
  }
  return id
}
const hostIds = new Map<string, string>()
