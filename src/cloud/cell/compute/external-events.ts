/** What other services tell of servers: their network has changed, a port is gone, a volume has grown. nova/compute/manager.py external_instance_event */
import { RemoteError } from '../../../oslo/messaging/failure.ts'
import type { Method } from '../../../oslo/messaging/rpc-server.ts'
import { InstanceExternalEvent } from '../../../stores/objects/external-event.ts'
import { isNova } from '../errors.ts'
import { forgetNetwork, networkInfo } from '../network/info.ts'
import type { Host } from '../parts.ts'
import { networkInfoOf } from '../server.ts'
import { perform, type Verb } from './method.ts'
import { extendVolume } from './volumes.ts'

/** The simulated hypervisor is told of no power by others. nova/virt/driver.py ComputeDriver.power_update_event */
const powerUpdate: Verb = {
  async run() {
    throw new RemoteError({ className: 'NotImplementedError', module: 'builtins', message: '', args: [] })
  },
}

/** One event that fails does not keep the others from their servers. */
export const externalEvents =
  (host: Host): Method =>
  async (context, { events }, { redelivered: again }) => {
    for (const wire of events as unknown[]) {
      const { name, tag, status, instance_uuid } = InstanceExternalEvent.fromWire(wire)
      const uuid = instance_uuid!
      const order = { uuid, context, again }
      try {
        if (name === 'network-changed') await networkInfo(host, { uuid }, tag ? { port: tag } : {})
        else if (name === 'network-vif-deleted') await portGone(host, uuid, tag!)
        else if (name === 'volume-extended')
          await perform(host, 'extend_volume', extendVolume, { ...order, args: { extended_volume_id: tag } })
        else if (name === 'volume-reimaged') host.expectations.tell(uuid, `${name}-${tag}`, status === 'completed')
        else if (name === 'power-update') await perform(host, 'power_update', powerUpdate, { ...order, args: { target_power_state: tag } })
      } catch (error) {
        if (!isNova(error, 'InstanceNotFound')) host.log.warning(`Processing ${name} failed`, { context, error, instance: uuid })
      }
    }
  }

/** nova/compute/manager.py ComputeManager._process_instance_vif_deleted_event */
async function portGone(host: Host, uuid: string, port: string): Promise<void> {
  const server = await host.cell.servers.find(uuid)
  if (!server || !networkInfoOf(server).some(({ id }) => id === port)) return
  await forgetNetwork(host, server, port)
  await host.hypervisor.detachInterface(uuid, port).catch((error) => {
    host.log.debug(`The port ${port} was not on the guest`, { error, instance: uuid })
  })
}
