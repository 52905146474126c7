/** Builds a server on its host, and clears up when it cannot. nova/compute/manager.py ComputeManager._do_build_and_run_instance */
import type { Server } from '../../../stores/cell/servers.ts'
import type { FilterProperties } from '../conductor/retries.ts'
import { isConflict, isGone, isNova, nova, told } from '../errors.ts'
import { addFault } from '../events.ts'
import { allocate, type Requested } from '../network/allocate.ts'
import { deallocate } from '../network/release.ts'
import { type Host, stage } from '../parts.ts'
import { guestOf, nowhere, save, systemMetadataOf, timeNow } from '../server.ts'
import { computeTask } from '../targets.ts'
import { connectVolumes } from '../volume/connect.ts'
import { abandonVolumes } from '../volume/leave.ts'
import { instanceToWire, requestedOf } from '../wire.ts'
import { devicesOf, nameDevices } from './devices.ts'
import { refuseGroupViolation } from './groups.ts'
import type { Job, Verb } from './method.ts'

/** Its errors end here, as faults of the server: the event is a success whatever became of the build, as it is in Nova. */
export const build: Verb = {
  event: 'compute__do_build_and_run_instance',
  during: ['scheduling', null, 'networking', 'block_device_mapping', 'spawning'],
  async run(host, job) {
    const { server } = job
    const begun = server.taskState !== 'scheduling' && server.taskState !== null
    // it was built, it failed for good, or another host has it: the message has come before
    if (server.vmState !== 'building' || (server.host !== null && (server.host !== host.name || !job.again))) return
    const requested = requestedOf(job.args.requested_networks)
    try {
      if (begun || job.again) await deallocate(host, server, requested)
      const fresh = await save(host, server, { vmState: 'building', taskState: null }, { expected: this.during! })
      await buildOn(host, { ...job, server: fresh }, requested)
      host.usage.built(host.name, true)
    } catch (error) {
      await host.hypervisor.destroy(server.uuid)
      await failed(host, job, requested, error)
    } finally {
      host.scheduler.settled(server.uuid)
      host.usage.touch(host.name)
    }
  },
}

async function buildOn(host: Host, job: Job, requested: Requested): Promise<void> {
  const { hypervisor, clock } = host
  const { context, args } = job
  let server = await claim(host, job)
  await refuseGroupViolation(host, server.uuid)
  server = await save(host, server, { vmState: 'building', taskState: 'networking' }, { expected: [null] })
  await stage(host)
  const securityGroups = (args.security_groups as string[] | null) ?? []
  const interfaces = await allocated(() => allocate(host, { context, server, requested, securityGroups }), server.uuid)
  const rootDeviceName = await nameDevices(host, server, await devicesOf(host, server.uuid))
  server = await save(
    host,
    server,
    { vmState: 'building', taskState: 'block_device_mapping', rootDeviceName },
    { expected: ['networking'] },
  )
  await attachVolumes(host, { ...job, server })
  await stage(host)
  server = await save(host, server, { vmState: 'building', taskState: 'spawning' }, { expected: ['block_device_mapping'] })
  await hypervisor.spawn(guestOf(server, interfaces), { running: true })
  const state = { powerState: hypervisor.powerOf(server.uuid), vmState: 'active', taskState: null } as const
  const configDrive = await configDriveOf(host, server)
  await save(host, server, { ...state, configDrive, launchedAt: timeNow(clock) }, { expected: ['spawning'] })
}

/** The server is this host's from here on. nova/compute/resource_tracker.py ResourceTracker.instance_claim */
async function claim(host: Host, { context, server }: Job): Promise<Server> {
  const mine = { host: host.name, launchedOn: host.name, node: host.name, computeId: host.nodeId }
  const claimed = await save(host, server, mine, { expected: [null], systemMetadata: { boot_roles: context.roles.join(',') } })
  host.usage.touch(host.name)
  return claimed
}

/** Errors that another host would meet as well. nova/compute/manager.py ComputeManager._build_and_run_instance */
const hopeless = ['ExternalNetworkAttachForbidden', 'FixedIpInvalidOnHost', 'UnableToAutoAllocateNetwork'] as const

async function allocated<T>(work: () => Promise<T>, uuid: string): Promise<T> {
  const abort = (reason: string) => nova('BuildAbortException', { instance_uuid: uuid, reason })
  try {
    return await work()
  } catch (error) {
    if (isNova(error, 'NoMoreFixedIps')) throw abort(`Failed to allocate the network(s) with error ${error.message}, not rescheduling.`)
    if (isNova(error, ...hopeless)) throw abort('Failed to allocate the network(s), not rescheduling.')
    if (isNova(error, 'InvalidInput')) throw abort(error.message)
    throw error
  }
}

/** nova/compute/manager.py ComputeManager._build_resources: what Cinder refuses here it would refuse another host as well */
async function attachVolumes(host: Host, job: Job): Promise<void> {
  try {
    await connectVolumes(host, job)
  } catch (error) {
    if (!isNova(error, 'InvalidBDM', 'OverQuota')) throw error
    throw nova('BuildAbortException', { instance_uuid: job.server.uuid, reason: error.message })
  }
}

/** nova/virt/configdrive.py update_instance: an image may insist on one */
async function configDriveOf({ cell }: Host, server: Server): Promise<string | null> {
  if (server.configDrive) return server.configDrive
  const { image_img_config_drive: wanted } = await systemMetadataOf(cell, server.uuid)
  return wanted === 'mandatory' ? 'True' : server.configDrive
}

async function failed(host: Host, { context, server, args }: Job, requested: Requested, error: unknown): Promise<void> {
  const { cell, log, usage } = host
  const { uuid } = server
  const filters = args.filter_properties as FilterProperties
  if (isGone(error)) {
    log.debug('Instance disappeared during build.', { context, instance: uuid })
    return cleanNetworks(host, server, requested)
  }
  log.error('Failed to build the server', { context, error, instance: uuid })
  await cleanNetworks(host, server, requested)
  if (isConflict(error)) return
  usage.built(host.name, false)
  const reason = told(error).message
  if (isNova(error, 'BuildAbortException') || !filters.retry) {
    await abandonVolumes(host, context, uuid)
    await addFault(cell, uuid, host.name, error)
    await save(host, server, { ...nowhere, vmState: 'error', taskState: null })
    return
  }
  filters.retry.exc_reason = reason
  const waiting = await save(host, server, { ...nowhere, taskState: 'scheduling' })
  await host.rpc.cast(computeTask('1.23'), context, 'build_instances', {
    instances: [instanceToWire(waiting)],
    image: args.image,
    filter_properties: filters,
    admin_password: args.admin_password,
    injected_files: args.injected_files,
    requested_networks: args.requested_networks,
    security_groups: args.security_groups,
    block_device_mapping: args.block_device_mapping,
    request_spec: args.request_spec,
    host_lists: [args.host_list],
    legacy_bdm: false,
  })
}

/** What cannot be cleared up now is cleared up when the server is deleted. */
async function cleanNetworks(host: Host, server: Server, requested: Requested): Promise<void> {
  try {
    await deallocate(host, server, requested)
  } catch (error) {
    host.log.error('Failed to deallocate networks', { error, instance: server.uuid })
  }
}
