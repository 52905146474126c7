/** Rescue: the server runs from another image while its own disk is mended. */
import { fromHypervisor, nova, told } from '../errors.ts'
import { networkInfo } from '../network/info.ts'
import { save, systemMetadataOf, timeNow } from '../server.ts'
import { orError, type Verb } from './method.ts'

/** nova/compute/manager.py ComputeManager.rescue_instance. The power is what the fake driver leaves: off. */
export const rescue: Verb = {
  during: ['rescuing'],
  async run(host, { context, server, args }) {
    const { hypervisor, glance, cell, clock } = host
    await networkInfo(host, server)
    const image = (args.rescue_image_ref ?? (await systemMetadataOf(cell, server.uuid)).image_base_image_ref) || server.imageRef
    if (image && context.token && !(await glance.as(context).show(String(image)))) throw nova('ImageNotFound', { image_id: image })
    try {
      await hypervisor.powerOff(server.uuid)
      await hypervisor.rescue(server.uuid, image ? String(image) : null)
    } catch (cause) {
      const error = fromHypervisor(cause, server.uuid)
      await cell.servers.update(server.uuid, { vmState: 'error' })
      throw nova('InstanceNotRescuable', { instance_id: server.uuid, reason: `Driver Error: ${told(error).message}` })
    }
    const state = { vmState: 'rescued', taskState: null, powerState: hypervisor.powerOf(server.uuid), launchedAt: timeNow(clock) } as const
    await save(host, server, state, { expected: ['rescuing'] })
  },
}

export const unrescue: Verb = {
  during: ['unrescuing'],
  async run(host, { server }) {
    await networkInfo(host, server)
    await orError(host, server.uuid, () => host.hypervisor.unrescue(server.uuid))
    const state = { vmState: 'active', taskState: null, powerState: host.hypervisor.powerOf(server.uuid) } as const
    await save(host, server, state, { expected: ['unrescuing'] })
  },
}
