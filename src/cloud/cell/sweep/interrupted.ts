/**
 * Servers in the middle of something that nobody works on: no message of theirs is left, because who wanted to send it died, or a failure could not
 * be noted. Each task state has a rule; where nova-compute has one for its own start, it is that. nova/compute/manager.py ComputeManager._init_instance
 */
import { adminContext, type RequestContext } from '../../../oslo/context.ts'
import type { Server } from '../../../stores/cell/servers.ts'
import { power } from '../../drivers/hypervisor.ts'
import { type VerbName, verbs } from '../compute/index.ts'
import { type Args, perform } from '../compute/method.ts'
import { nova } from '../errors.ts'
import { addFault } from '../events.ts'
import { preservedPorts } from '../network/info.ts'
import { deallocate, deletePorts, letGo } from '../network/release.ts'
import { type CellParts, type Host, hostsUp } from '../parts.ts'
import { flavorOf, flavorsColumn, guestOf, networkInfoOf, nowhere, systemMetadataOf } from '../server.ts'
import type { TaskState } from '../states.ts'
import { abandonVolumes, releaseVolumes } from '../volume/leave.ts'
import { migrationToWire } from '../wire.ts'

interface Case {
  readonly host: Host
  readonly server: Server
  readonly context: RequestContext
}

type Rule = (one: Case) => Promise<unknown>

/** Does what the message would have asked for. */
const again =
  (name: VerbName, args: (one: Case) => Args | Promise<Args> = () => ({})): Rule =>
  async (one) => {
    const { host, server, context } = one
    return perform(host, name, verbs[name], { uuid: server.uuid, context, args: await args(one), again: true })
  }

/** As if the request had never come: it was not accepted, or has no way to go on. */
const drop: Rule = ({ host, server }) => host.cell.servers.update(server.uuid, { taskState: null }, { taskState: [server.taskState] })

const fail: Rule = async ({ host, server }) => {
  const { cell, name } = host
  await cell.servers.update(server.uuid, { vmState: 'error', taskState: null }, { taskState: [server.taskState] })
  const reason = `it was interrupted in the task state ${server.taskState ?? 'None'}`
  await addFault(cell, server.uuid, name, nova('BuildAbortException', { instance_uuid: server.uuid, reason }))
}

/** It is on no host, and its ports go back. */
const failBuild: Rule = async (one) => {
  const { host, server } = one
  if (server.vmState === 'shelved_offloaded') {
    await host.cell.servers.update(server.uuid, { taskState: null, ...nowhere }, { taskState: [server.taskState] })
    return
  }
  await host.hypervisor.destroy(server.uuid)
  await deallocate(host, server)
  await abandonVolumes(host, one.context, server.uuid)
  await fail(one)
}

const reboot = again('reboot_instance', ({ host, server }) => {
  const isSoft = ['rebooting', 'reboot_pending', 'reboot_started'].includes(server.taskState ?? '')
  return { reboot_type: isSoft && host.hypervisor.powerOf(server.uuid) === power.running ? 'SOFT' : 'HARD' }
})

/** nova/compute/manager.py: it runs, so it is active */
const active: Rule = ({ host, server }) =>
  host.cell.servers.update(server.uuid, { vmState: 'active', taskState: null }, { taskState: [server.taskState] })

async function moveOf({ host, server }: Case, statuses: readonly string[]): Promise<Args> {
  const [migration] = (await host.cell.migrations.ofServer(server.uuid, statuses)).reverse()
  return { migration: migration ? migrationToWire(migration) : null, request_spec: null }
}

/** The guest is where it was; the new flavor is forgotten. */
const stayHere: Rule = async (one) => {
  const { host, server } = one
  const { cell, hypervisor } = host
  const wasStopped = (await systemMetadataOf(cell, server.uuid)).old_vm_state === 'stopped'
  hypervisor.adopt(guestOf(server), wasStopped ? power.shutdown : power.running)
  const flavor = flavorOf(server)
  await cell.transitions.apply(
    server.uuid,
    {
      server: { taskState: null },
      extra: { migrationContext: null, ...(flavor && { flavor: flavorsColumn({ cur: flavor }) }) },
      systemMetadata: { old_vm_state: undefined },
    },
    { taskState: [server.taskState] },
  )
}

const revert: Rule = async (one) => {
  const { host, server } = one
  const [migration] = (await host.cell.migrations.ofServer(server.uuid, ['reverting', 'reverted', 'finished'])).reverse()
  if (!migration) return fail(one)
  const name = migration.status === 'reverted' ? 'finish_revert_resize' : 'revert_resize'
  const where = host.hosts.get((name === 'revert_resize' ? server.host : migration.sourceCompute) ?? '') ?? host
  return again(name, () => ({ migration: migrationToWire(migration), request_spec: null }))({ ...one, host: where })
}

const rules: Readonly<Record<TaskState, Rule>> = {
  deleting: again('terminate_instance'),
  'soft-deleting': again('soft_delete_instance'),
  restoring: again('restore_instance'),
  'powering-off': again('stop_instance'),
  'powering-on': again('start_instance'),
  suspending: again('suspend_instance'),
  resuming: again('resume_instance'),
  unrescuing: again('unrescue_instance'),
  shelving_offloading: again('shelve_offload_instance'),
  rebooting: reboot,
  reboot_pending: reboot,
  reboot_started: reboot,
  rebooting_hard: reboot,
  reboot_pending_hard: reboot,
  reboot_started_hard: reboot,
  pausing: active,
  unpausing: active,
  scheduling: failBuild,
  networking: failBuild,
  block_device_mapping: failBuild,
  spawning: failBuild,
  rebuilding: fail,
  rebuild_block_device_mapping: fail,
  rebuild_spawning: fail,
  resize_prep: stayHere,
  resize_migrating: stayHere,
  resize_migrated: again('finish_resize', (one) => moveOf(one, ['post-migrating', 'finished'])),
  resize_finish: again('finish_resize', (one) => moveOf(one, ['post-migrating', 'finished'])),
  resize_confirming: drop,
  resize_reverting: revert,
  migrating: drop,
  image_snapshot: drop,
  image_snapshot_pending: drop,
  image_pending_upload: drop,
  image_uploading: drop,
  image_backup: drop,
  updating_password: drop,
  rescuing: drop,
  shelving: drop,
  shelving_image_pending_upload: drop,
  shelving_image_uploading: drop,
  unshelving: drop,
}

/** Deals with servers that have not moved since then (milliseconds since 1970). Those of hosts that are not ours are left to them. */
export async function sweepServers(parts: CellParts, since: number): Promise<void> {
  const { cell, work, log, hosts, faults } = parts
  for (const uuid of await cell.interruptions.list(since)) {
    if (work.isBusy(uuid)) continue
    await work.on([uuid], () =>
      work.inTurn(uuid, async () => {
        const server = await cell.servers.find(uuid)
        const host = server && (server.host === null ? hosts.get(hostsUp(parts)[0] ?? '') : hosts.get(server.host))
        if (!server || !host || faults.isDown(host.name)) return
        log.warning(`Nobody works on the server in the states ${server.vmState}, ${server.taskState}`, { instance: uuid })
        try {
          await ruleFor(server)({ host, server, context: await contextOf(parts, uuid) })
        } catch (error) {
          log.error('What was left of a request could not be ended', { error, instance: uuid })
        }
      }),
    )
  }
}

/** Deletions of servers that no host has, cut off in the API: their rows are in cell0. */
export async function sweepBuried(parts: CellParts, since: number): Promise<void> {
  const { cell0, work } = parts
  for (const uuid of await cell0.interruptions.list(since))
    await work.on([uuid], () =>
      work.inTurn(uuid, async () => {
        const server = await cell0.servers.find(uuid)
        if (server?.taskState !== 'deleting' && server?.taskState !== 'soft-deleting') return
        const ports = await parts.neutron.own.list('ports', { device_id: uuid })
        await letGo(parts, uuid, preservedPorts(networkInfoOf(server)))
        await deletePorts(
          parts,
          ports.map(({ id }) => id).filter((id) => !preservedPorts(networkInfoOf(server)).includes(id)),
        )
        await releaseVolumes({ ...parts, cell: cell0 }, adminContext(`req-${parts.ids.uuid()}`), uuid)
        await cell0.servers.destroy(uuid)
      }),
    )
}

function ruleFor({ vmState, taskState }: Server): Rule {
  if (vmState === 'deleted') return again('terminate_instance')
  if (taskState === null) return vmState === 'building' ? failBuild : drop
  return rules[taskState as TaskState] ?? drop
}

/** Its last request goes on. nova/db/main/api.py action_event_start */
async function contextOf({ cell, ids }: CellParts, uuid: string): Promise<RequestContext> {
  const action = await cell.actions.latest(uuid)
  return adminContext(action?.requestId ?? `req-${ids.uuid()}`)
}
