/** nova-conductor's `compute_task` interface, with the arguments that nova/conductor/rpcapi.py sends: work that the scheduler or several hosts take part in. */
import type { RequestContext } from '../../oslo/context.ts'
import type { CallOptions } from '../../oslo/messaging/rpc-client.ts'
import { BlockDeviceMappingList } from '../../stores/objects/block-device-mapping.ts'
import { Flavor } from '../../stores/objects/flavor.ts'
import { Instance } from '../../stores/objects/instance.ts'
import { Migration } from '../../stores/objects/migration.ts'
import { RequestSpec } from '../../stores/objects/request-spec.ts'
import type { Backends } from '../backends.ts'
import { foreseen } from './compute.ts'

export interface Tasks {
  attach_volume: {
    instance: Instance
    volume: object
    device: string | null
    disk_bus: null
    device_type: null
    tag: string | null
    supports_multiattach: boolean
    delete_on_termination: boolean | string
  }
  confirm_snapshot_based_resize: { instance: Instance; migration: Migration }
  live_migrate_instance: {
    instance: Instance
    scheduler_hint: { host: string | null }
    block_migration: boolean | null
    disk_over_commit: boolean | null
    request_spec: RequestSpec
  }
  migrate_server: {
    instance: Instance
    scheduler_hint: object
    live: boolean
    rebuild: boolean
    flavor: Flavor | null
    block_migration: boolean | null
    disk_over_commit: boolean | null
    reservations: null
    clean_shutdown: boolean
    request_spec: RequestSpec
    host_list: null
  }
  rebuild_instance: {
    instance: Instance
    new_pass: string | null
    injected_files: readonly (readonly [string, string])[] | null
    image_ref: string | null
    orig_image_ref: string | null
    orig_sys_metadata: Readonly<Record<string, string | null>> | null
    bdms: BlockDeviceMappingList | null
    recreate: boolean
    on_shared_storage: boolean | null
    preserve_ephemeral: boolean
    host: string | null
    request_spec: RequestSpec
    reimage_boot_volume: boolean
    target_state: string | null
  }
  revert_snapshot_based_resize: { instance: Instance; migration: Migration }
  unshelve_instance: { instance: Instance; request_spec: RequestSpec }
}

const versions: Readonly<Record<keyof Tasks, string>> = {
  attach_volume: '1.26',
  confirm_snapshot_based_resize: '1.22',
  live_migrate_instance: '1.15',
  migrate_server: '1.20',
  rebuild_instance: '1.25',
  revert_snapshot_based_resize: '1.23',
  unshelve_instance: '1.14',
}

/** Rejects with a `MessageDeliveryFailure` when no broker takes the message. */
export async function castToConductor<M extends keyof Tasks>(
  { rpc }: Backends,
  context: RequestContext,
  method: M,
  args: Tasks[M],
): Promise<void> {
  await rpc.top.cast(target(method), context, method, wireOf(args))
}

/** Methods that wait for computes may take [DEFAULT] long_rpc_timeout, with a sign of life every rpc_response_timeout. */
export const longCall = ({ settings }: Backends): CallOptions => ({
  timeoutMs: settings.compute.longRpcTimeout * 1000,
  monitorMs: settings.compute.rpcResponseTimeout * 1000,
})

/** The answer. Rejects with a `RemoteError` when the method failed; a silent or absent conductor is a `Fault`. */
export async function callConductor<M extends keyof Tasks, T = unknown>(
  { rpc }: Backends,
  context: RequestContext,
  method: M,
  args: Tasks[M],
  options: CallOptions = {},
): Promise<T> {
  try {
    return await rpc.top.call<T>(target(method), context, method, wireOf(args), options)
  } catch (error) {
    throw foreseen(error, method)
  }
}

const target = (method: keyof Tasks) => ({ topic: 'conductor', namespace: 'compute_task', version: versions[method] })

const objects: Readonly<Record<string, { toWire(value: never): unknown }>> = {
  instance: Instance,
  bdms: BlockDeviceMappingList,
  flavor: Flavor,
  migration: Migration,
  request_spec: RequestSpec,
}

const wireOf = (args: object): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(args).map(([name, value]) => [name, value && objects[name] ? objects[name].toWire(value as never) : value]),
  )
