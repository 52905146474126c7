/** What operators do to hosts: switch them on and off, enable them, and see what is taken of them. */
import type { RequestContext } from '../oslo/context.ts'
import type { ProjectShare } from '../stores/cell/hosts.ts'
import type { ComputeNode } from '../stores/cell/services.ts'
import type { Backends } from './backends.ts'
import { Fault } from './faults.ts'
import { callHost } from './rpc/host.ts'
import { type Placed, serviceOn } from './services/find.ts'

/** Throws `hostNotMapped` or `computeHostNotFound`. */
async function computeOn(backends: Backends, host: string): Promise<Placed> {
  try {
    return await serviceOn(backends, host, 'nova-compute')
  } catch (error) {
    if (error instanceof Fault && error.kind === 'hostBinaryNotFound') throw new Fault('computeHostNotFound', host)
    throw error
  }
}

/** What the compute says: `enabled` or `disabled`. Throws `badRequest` with what else it says. */
export async function enableHost(backends: Backends, context: RequestContext, host: string, enabled: boolean): Promise<string> {
  const said = await callHost(backends, context, await computeOn(backends, host), 'set_host_enabled', { enabled })
  if (said !== 'enabled' && said !== 'disabled') throw new Fault('badRequest', said)
  return said
}

/** What the compute says: `on_maintenance` or `off_maintenance`. Throws `badRequest` with what else it says. */
export async function maintainHost(backends: Backends, context: RequestContext, host: string, mode: boolean): Promise<string> {
  const said = await callHost(backends, context, await computeOn(backends, host), 'host_maintenance_mode', { host, mode })
  if (said !== 'on_maintenance' && said !== 'off_maintenance') throw new Fault('badRequest', said)
  return said
}

export type PowerAction = 'startup' | 'shutdown' | 'reboot'

/** What the compute says that it did. */
export const powerHost = async (backends: Backends, context: RequestContext, host: string, action: PowerAction): Promise<string> =>
  callHost(backends, context, await computeOn(backends, host), 'host_power_action', { action })

export interface HostUse {
  /** The first of its nodes. */
  readonly node: ComputeNode
  readonly shares: readonly ProjectShare[]
}

/** Throws `hostNotMapped` or `computeHostNotFound`. */
export async function hostUse({ stores }: Backends, host: string): Promise<HostUse> {
  const mapping = await stores.api.hostMappings.find(host)
  const cell = mapping && (await stores.cells.byId(mapping.cellId!))
  if (!cell) throw new Fault('hostNotMapped', host)
  const [[node], shares] = await Promise.all([cell.computeNodes.ofHost(host), cell.hosts.shares(host)])
  if (!node) throw new Fault('computeHostNotFound', host)
  return { node, shares }
}
