/** Sends a rebuild to its host, and an evacuation to one that is found for it. nova/conductor/manager.py ComputeTaskManager.rebuild_instance */
import type { Migration } from '../../../stores/cell/migrations.ts'
import type { Server } from '../../../stores/cell/servers.ts'
import type { RequestSpec } from '../../../stores/objects/request-spec.ts'
import type { Selection } from '../../../stores/objects/selection.ts'
import { nova } from '../errors.ts'
import { recorded } from '../events.ts'
import type { CellParts } from '../parts.ts'
import { flavorOf, loadServer, save } from '../server.ts'
import type { VmState } from '../states.ts'
import { compute } from '../targets.ts'
import { instanceToWire, migrationToWire, requestSpecOf } from '../wire.ts'
import { giveUp, type TaskJob } from './task.ts'

export async function rebuildInstance(parts: CellParts, uuid: string, job: TaskJob): Promise<void> {
  const { cell, settings } = parts
  const server = await loadServer(cell, uuid)
  if (server.taskState !== 'rebuilding') return
  const step = { uuid, event: 'rebuild_server', host: settings.controller, context: job.context, again: job.again }
  await recorded(cell, step, () => send(parts, server, job))
}

async function send(parts: CellParts, server: Server, { context, args }: TaskJob): Promise<void> {
  const { cell } = parts
  const evacuates = Boolean(args.recreate)
  const migration = await cell.migrations.inStatus(server.uuid, 'accepted')
  const { host, node } = await place(parts, server, args, migration)
  parts.scheduler.settled(server.uuid)
  await parts.rpc.cast(
    compute(host),
    context,
    'rebuild_instance',
    {
      ...args,
      instance: instanceToWire(server),
      recreate: evacuates,
      host: undefined,
      migration: migration ? migrationToWire(migration) : null,
      scheduled_node: node,
      limits: null,
      accel_uuids: [],
    },
    { version: '6.2' },
  )
}

interface Place {
  readonly host: string
  readonly node: string | null
}

async function place(parts: CellParts, server: Server, args: TaskJob['args'], migration: Migration | undefined): Promise<Place> {
  const wanted = args.host as string | null
  const evacuates = Boolean(args.recreate)
  const spec = requestSpecOf(args.request_spec)
  try {
    if (wanted !== null && wanted !== undefined) {
      if (wanted !== server.host && !parts.hosts.has(wanted)) throw nova('ComputeHostNotFound', { host: wanted })
      return { host: wanted, node: null }
    }
    if (!evacuates) refuseImageTraits(parts, server, spec)
    const asked: RequestSpec = evacuates ? { ...spec, ignore_hosts: [server.host!], force_hosts: null, force_nodes: null } : spec!
    const [[chosen]] = (await parts.scheduler.select(asked, [server.uuid], { within: parts.cell.uuid })) as [[Selection]]
    return { host: chosen.service_host!, node: chosen.nodename! }
  } catch (error) {
    if (migration) await parts.cell.migrations.update(migration.id, { status: 'error' })
    const image = args.orig_image_ref as string | null
    const restored = image && image !== args.image_ref ? await save(parts, server, { imageRef: image }) : server
    // a host that was named and is not there leaves the server as it was
    await giveUp(parts, restored, wanted ? (server.vmState as VmState) : 'error', error)
    throw error
  }
}

/** What a new image needs of its host. nova/conductor/manager.py ComputeTaskManager._validate_image_traits_for_rebuild */
function refuseImageTraits({ hosts }: CellParts, server: Server, spec: RequestSpec | null): void {
  const needed = spec?.image?.properties?.traits_required ?? []
  const forbidden = Object.entries(flavorOf(server)?.extra_specs ?? {})
    .filter(([key, value]) => key.startsWith('trait') && value === 'forbidden')
    .map(([key]) => key.slice(key.indexOf(':') + 1))
  if (needed.some((trait) => forbidden.includes(trait)))
    throw nova('NoValidHost', {
      reason:
        'Image traits are part of forbidden traits in flavor associated with the server. Either specify a different image during rebuild or create a new server with the specified image and a compatible flavor.',
    })
  const has = hosts.get(server.host ?? '')?.hypervisor.capabilities.traits
  if (needed.some((trait) => !has?.has(trait)))
    throw nova('NoValidHost', {
      reason:
        'Image traits cannot be satisfied by the current resource providers. Either specify a different image during rebuild or create a new server with the specified image.',
    })
}
