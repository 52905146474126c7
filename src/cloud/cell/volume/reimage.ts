/** A root volume is written anew from another image, and Cinder tells when it has been. nova/compute/manager.py ComputeManager._rebuild_volume_backed_instance */
import type { BlockDevice } from '../../../stores/cell/block-devices.ts'
import { isGone, nova } from '../errors.ts'
import type { Host } from '../parts.ts'
import { asked, noVolume, volumesOf } from './client.ts'
import type { Connecting } from './connect.ts'
import { disconnect } from './leave.ts'

/** [DEFAULT] reimage_timeout_per_gb */
const secondsPerGib = 20
const gibibyte = 2 ** 30

/** The volume is reserved meanwhile. Throws a BuildAbortException. */
export async function reimageRoot(host: Host, { context, server }: Connecting, root: BlockDevice, imageId: string): Promise<void> {
  const { uuid } = server
  const abort = (reason: string) => nova('BuildAbortException', { instance_uuid: uuid, reason })
  const failed = abort('Failed to rebuild volume backed instance.')
  const image = await host.glance.as(context).show(imageId)
  if (!image) throw abort(`Image ${imageId} not found.`)
  const volumeId = root.volumeId!
  const timeoutMs = secondsPerGib * 1000 * Math.ceil(Number(image.size ?? 0) / gibibyte)
  const expected = host.expectations.expect(uuid, `volume-reimaged-${volumeId}`, timeoutMs)
  try {
    await disconnect(host, context, uuid, root)
    await asked(() => volumesOf(host, context).reimage(volumeId, imageId), noVolume(volumeId))
    if (!(await expected.arrived)) throw failed
  } catch (error) {
    host.log.error(`Failed to rebuild volume backed instance: ${(error as Error).message}`, { context, instance: uuid })
    throw isGone(error) ? error : failed
  } finally {
    expected.cancel()
  }
}
