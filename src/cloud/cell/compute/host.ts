/** What is asked of a host itself and not of one of its servers. */
import type { Method } from '../../../oslo/messaging/rpc-server.ts'
import { fromHypervisor } from '../errors.ts'
import type { Host } from '../parts.ts'
import { report } from '../providers.ts'

const onHost =
  (ask: (args: Readonly<Record<string, unknown>>) => Promise<unknown>): Method =>
  async (_, args) => {
    try {
      return await ask(args)
    } catch (error) {
      throw fromHypervisor(error, '')
    }
  }

/** By Nova's names. nova/compute/manager.py ComputeManager.cache_images: an image that cannot be cached does not keep the others from it */
export const hostMethods = (host: Host): Record<string, Method> => ({
  get_host_uptime: onHost(() => host.hypervisor.uptime()),
  host_power_action: onHost(({ action }) => host.hypervisor.hostPower(action as string)),
  host_maintenance_mode: onHost(({ mode }) => host.hypervisor.maintenance(Boolean(mode))),
  set_host_enabled: onHost(async ({ enabled }) => {
    // Placement keeps servers from hosts that are disabled
    await report(host).catch((error) => host.log.warning('Placement could not be told of the host', { error }))
    return host.hypervisor.setEnabled(Boolean(enabled))
  }),
  cache_images: onHost(async ({ image_ids: ids }) => {
    const results: Record<string, string> = {}
    for (const id of ids as string[]) results[id] = (await host.hypervisor.cacheImage(id)) ? 'existing' : 'cached'
    return results
  }),
})
