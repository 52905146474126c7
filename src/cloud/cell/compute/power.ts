/** Starting and stopping, pausing and suspending: verbs that turn one stable state into another. */
import { power } from '../../drivers/hypervisor.ts'
import { fromHypervisor } from '../errors.ts'
import { addFault } from '../events.ts'
import { networkInfo } from '../network/info.ts'
import type { Host } from '../parts.ts'
import { guestOf, save, systemMetadataOf } from '../server.ts'
import type { VmState } from '../states.ts'
import { deleteImage } from './images.ts'
import { type Job, orError, type Verb } from './method.ts'

const off: readonly number[] = [power.nostate, power.shutdown, power.crashed]

export const stop: Verb = {
  during: ['powering-off'],
  run: stopServer,
}

/** nova/compute/manager.py ComputeManager.stop_instance: one that is off already may have lost its task state to the synchronisation of power states. */
export async function stopServer(host: Host, { server }: Pick<Job, 'server'>): Promise<void> {
  const { hypervisor } = host
  const expected = off.includes(hypervisor.powerOf(server.uuid)) ? (['powering-off', null] as const) : (['powering-off'] as const)
  await hypervisor.powerOff(server.uuid)
  await save(host, server, { powerState: hypervisor.powerOf(server.uuid), vmState: 'stopped', taskState: null }, { expected })
}

/** A shelved server is started again, too: what was remembered for it goes. */
export const start: Verb = {
  during: ['powering-on'],
  async run(host, { context, server }) {
    const { hypervisor, cell } = host
    await networkInfo(host, server)
    await hypervisor.powerOn(server.uuid)
    const { shelved_image_id: image } = await systemMetadataOf(cell, server.uuid)
    if (image) await deleteImage(host, context, image)
    const state = { powerState: hypervisor.powerOf(server.uuid), vmState: 'active', taskState: null } as const
    await save(host, server, state, { expected: ['powering-on'], ...(image && { systemMetadata: withoutShelving }) })
  },
}

/** nova/compute/utils.py remove_shelved_keys_from_system_metadata */
export const withoutShelving = { shelved_at: undefined, shelved_image_id: undefined, shelved_host: undefined } as const

export const pause: Verb = {
  during: ['pausing'],
  run: (host, job) => turned(host, job, 'pausing', 'paused', () => host.hypervisor.pause(job.server.uuid)),
}

export const unpause: Verb = {
  during: ['unpausing'],
  run: (host, job) => turned(host, job, 'unpausing', 'active', () => host.hypervisor.unpause(job.server.uuid)),
}

async function turned(
  host: Host,
  { server }: Job,
  task: 'pausing' | 'unpausing' | 'restoring',
  vmState: VmState,
  act: () => Promise<void>,
): Promise<void> {
  await act()
  await save(host, server, { powerState: host.hypervisor.powerOf(server.uuid), vmState, taskState: null }, { expected: [task] })
}

export const suspend: Verb = {
  during: ['suspending'],
  async run(host, { server }) {
    await orError(host, server.uuid, () => host.hypervisor.suspend(server.uuid))
    const state = { powerState: host.hypervisor.powerOf(server.uuid), vmState: 'suspended', taskState: null } as const
    await save(host, server, state, { expected: ['suspending'], systemMetadata: { old_vm_state: server.vmState } })
  },
}

/** Back to what it was before it was suspended. */
export const resume: Verb = {
  during: ['resuming'],
  async run(host, { server }) {
    const before = (await systemMetadataOf(host.cell, server.uuid)).old_vm_state
    await networkInfo(host, server)
    await orError(host, server.uuid, () => host.hypervisor.resume(server.uuid))
    const vmState = (before ?? 'active') as VmState
    const state = { powerState: host.hypervisor.powerOf(server.uuid), vmState, taskState: null }
    await save(host, server, state, { expected: ['resuming'], systemMetadata: { old_vm_state: undefined } })
  },
}

export const softDelete: Verb = {
  during: ['soft-deleting'],
  async run(host, { server }) {
    const state = { powerState: host.hypervisor.powerOf(server.uuid), vmState: 'soft-delete', taskState: null } as const
    await save(host, server, state, { expected: ['soft-deleting'] })
  },
}

export const restore: Verb = {
  during: ['restoring'],
  run: (host, job) => turned(host, job, 'restoring', 'active', async () => {}),
}

const soft = ['rebooting', 'reboot_pending', 'reboot_started'] as const
const hard = ['rebooting_hard', 'reboot_pending_hard', 'reboot_started_hard'] as const

/** nova/compute/manager.py ComputeManager._reboot_instance: a failure of a server that runs all the same is a fault and no more. */
export const reboot: Verb = {
  during: [...soft, ...hard],
  run: rebootServer,
}

async function rebootServer(host: Host, { server: before, args, again }: Pick<Job, 'server' | 'args' | 'again'>): Promise<void> {
  const { hypervisor } = host
  const { uuid } = before
  const isSoft = args.reboot_type === 'SOFT'
  const [pending, started] = isSoft
    ? (['reboot_pending', 'reboot_started'] as const)
    : (['reboot_pending_hard', 'reboot_started_hard'] as const)
  const expected = isSoft ? soft : again ? [...hard, ...soft] : hard
  const interfaces = await networkInfo(host, before)
  let server = await save(host, before, { powerState: hypervisor.powerOf(uuid), taskState: pending }, { expected })
  server = await save(host, server, { taskState: started }, { expected: [pending] })
  try {
    await hypervisor.reboot(guestOf(server, interfaces), isSoft ? 'SOFT' : 'HARD')
  } catch (error) {
    if (hypervisor.powerOf(uuid) !== power.running) {
      await host.cell.servers.update(uuid, { vmState: 'error' })
      throw error
    }
    await addFault(host.cell, uuid, host.name, fromHypervisor(error, uuid))
  }
  const vmState = server.vmState === 'rescued' ? 'rescued' : 'active'
  await save(host, server, { powerState: hypervisor.powerOf(uuid), vmState, taskState: null }, { expected: [started] })
}
