/** What operators do to hosts: switch them on and off, enable them, and see what is taken of them. */
import type { RequestContext } from '../oslo/context.ts'
import type { ProjectShare } from '../stores/cell/hosts.ts'
import type { ComputeNode } from '../stores/cell/services.ts'
import type { Backends } from './backends.ts'
import { Fault } from './faults.ts'
import { failing } from './notifications/exceptions.ts'
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
  const args = { host_name: host, enabled }
  const said = await failing(backends, context, 'set_host_enabled', args, async () => {
    const compute = await computeOn(backends, host)
    const work = () => callHost(backends, context, compute, 'set_host_enabled', { enabled })
    return told(backends, context, 'set_enabled', args, work)
  })
  if (said !== 'enabled' && said !== 'disabled') throw new Fault('badRequest', said)
  return said
}

/** What the compute says: `on_maintenance` or `off_maintenance`. Throws `badRequest` with what else it says. */
export async function maintainHost(backends: Backends, context: RequestContext, host: string, mode: boolean): Promise<string> {
  const args = { host_name: host, mode }
  const said = await failing(backends, context, 'set_host_maintenance', args, async () => {
    const compute = await computeOn(backends, host)
    const work = () => callHost(backends, context, compute, 'host_maintenance_mode', { host, mode })
    return told(backends, context, 'set_maintenance', args, work)
  })
  if (said !== 'on_maintenance' && said !== 'off_maintenance') throw new Fault('badRequest', said)
  return said
}

export type PowerAction = 'startup' | 'shutdown' | 'reboot'

/** What the compute says that it did. */
export async function powerHost(backends: Backends, context: RequestContext, host: string, action: PowerAction): Promise<string> {
  const args = { host_name: host, action }
  return failing(backends, context, 'host_power_action', args, async () => {
    const compute = await computeOn(backends, host)
    const work = () => callHost(backends, context, compute, 'host_power_action', { action })
    return told(backends, context, 'power_action', args, work)
  })
}

/** Tells before and, unless it fails, after. nova/compute/utils.py notify_about_host_update */
async function told<T>(
  { notifications }: Backends,
  context: RequestContext,
  event: string,
  payload: { readonly host_name: string; readonly [fact: string]: unknown },
  work: () => Promise<T>,
): Promise<T> {
  const tell = (phase: 'start' | 'end') =>
    notifications.unversioned(context, () => ({ service: 'api', host: payload.host_name, event: `HostAPI.${event}.${phase}`, payload }))
  await tell('start')
  const out = await work()
  await tell('end')
  return out
}

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
