/** Larger volumes, also while a server has them (cinder/volume/api.py _extend). */
import { reply } from '../service.ts'
import type { Volume } from './documents.ts'
import { badRequest, invalidInput, invalidVolume } from './faults.ts'
import { type Operations, operation } from './operation.ts'
import { checkSize, reserveGrowth } from './quotas.ts'
import { findVolume, requireAdmin } from './rules.ts'
import * as shapes from './shapes.ts'
import { putVolume, type VolumeCall } from './state.ts'
import { attachmentsOf } from './store.ts'
import { checkTypeSize } from './types.ts'

export const extendActions: Operations = {
  'os-extend': operation({
    body: shapes.extend,
    run(call, sent: { 'os-extend': { new_size: number | string } }) {
      const volume = findVolume(call, call.params.id!)
      // Since 3.42 also for a volume in use.
      const attached = call.minor >= 42 && volume.status === 'in-use'
      extend(call, volume, Number(sent['os-extend'].new_size), attached ? 'in-use' : 'available')
      if (attached) tellServers(call, volume)
      return reply(202)
    },
  }),
  // No back end here leaves the end of it to Nova: nothing is ever extending.
  'os-extend_volume_completion': {
    body: shapes.extendCompletion,
    run(call) {
      const volume = findVolume(call, call.params.id!)
      requireAdmin('volume_extension:volume_admin_actions:extend_volume_completion', call.caller)
      throw invalidVolume(
        volume.status === 'extending' ? 'Required volume admin metadata is malformed or missing.' : 'Volume is not being extended.',
      )
    },
  },
}

function extend(call: VolumeCall, volume: Volume, size: number, expected: string): void {
  if (size <= volume.size)
    throw invalidInput(`New size for extend must be greater than current size. (current: ${volume.size}, extended: ${size}).`)
  const type = call.store.types.get(volume.volume_type_id)
  if (type) checkTypeSize(type, size)
  if (volume.status !== expected)
    throw badRequest(
      `Invalid volume: Volume ${volume.id} status must be '{'status': '${expected}'}' to extend, currently ${volume.status}.`,
    )
  checkSize(call, call.projectId, size)
  reserveGrowth(call, volume, size - volume.size)
  call.store.write(() => putVolume(call, volume, { size }))
}

function tellServers({ store, compute, later }: VolumeCall, { id }: Volume): void {
  const servers = attachmentsOf(store, id).flatMap(({ instance_uuid }) => instance_uuid ?? [])
  if (compute && servers.length > 0) later(() => compute.tell('volume-extended', servers, id))
}
