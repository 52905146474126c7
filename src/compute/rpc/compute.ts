/**
 * nova-compute's RPC interface, version 6, with the arguments that nova/compute/rpcapi.py sends. Every method is about one server and goes to its host
 * unless another is said.
 */
import type { RequestContext } from '../../oslo/context.ts'
import { MessageDeliveryFailure, MessagingTimeout } from '../../oslo/messaging/errors.ts'
import type { CallOptions, RpcClient } from '../../oslo/messaging/rpc-client.ts'
import { BlockDeviceMappingList } from '../../stores/objects/block-device-mapping.ts'
import { Instance } from '../../stores/objects/instance.ts'
import { Migration } from '../../stores/objects/migration.ts'
import { RequestSpec } from '../../stores/objects/request-spec.ts'
import { ShareMapping } from '../../stores/objects/share-mapping.ts'
import type { Backends } from '../backends.ts'
import { Fault } from '../faults.ts'
import { type Pin, unpinned } from './pin.ts'

interface Nothing {
  readonly [argument: string]: never
}

/** Casts: arguments beside the server. */
export interface Casts {
  add_fixed_ip_to_instance: { network_id: string | number }
  allow_share: { share_mapping: ShareMapping }
  backup_instance: { image_id: string; backup_type: string; rotation: number }
  confirm_resize: { migration: Migration }
  deny_share: { share_mapping: ShareMapping }
  detach_interface: { port_id: string }
  detach_volume: { volume_id: string; attachment_id: string | null }
  inject_network_info: Nothing
  live_migration_abort: { migration_id: number }
  live_migration_force_complete: Nothing
  pause_instance: Nothing
  reboot_instance: { block_device_info: null; reboot_type: 'SOFT' | 'HARD' }
  remove_fixed_ip_from_instance: { address: string }
  rescue_instance: { rescue_password: string; clean_shutdown: boolean; rescue_image_ref: string | null }
  restore_instance: Nothing
  resume_instance: Nothing
  revert_resize: { migration: Migration; request_spec: RequestSpec }
  shelve_instance: { image_id: string; clean_shutdown: boolean; accel_uuids: readonly string[] }
  shelve_offload_instance: { clean_shutdown: boolean; accel_uuids: readonly string[] }
  snapshot_instance: { image_id: string }
  soft_delete_instance: Nothing
  start_instance: Nothing
  stop_instance: { clean_shutdown: boolean }
  suspend_instance: Nothing
  swap_volume: { old_volume_id: string; new_volume_id: string; new_attachment_id: string | null }
  terminate_instance: { bdms: BlockDeviceMappingList }
  trigger_crash_dump: Nothing
  unpause_instance: Nothing
  unquiesce_instance: { mapping: readonly unknown[] | null }
  unrescue_instance: Nothing
  volume_snapshot_create: { volume_id: string; create_info: object }
  volume_snapshot_delete: { volume_id: string; snapshot_id: string; delete_info: object }
}

interface Console {
  readonly access_url: string
}

/** Calls: arguments beside the server, and the answer. */
export interface Calls {
  attach_interface: [
    { network_id: string | null; port_id: string | null; requested_ip: string | null; tag: string | null },
    { readonly id: string } & Readonly<Record<string, unknown>>,
  ]
  confirm_resize: [{ migration: Migration }, null]
  get_console_output: [{ tail_length: number | string | null }, string]
  get_diagnostics: [Nothing, Readonly<Record<string, unknown>>]
  get_instance_diagnostics: [Nothing, unknown]
  get_mks_console: [{ console_type: string }, Console]
  get_serial_console: [{ console_type: string }, Console]
  get_spice_console: [{ console_type: string }, Console]
  get_vnc_console: [{ console_type: string }, Console]
  quiesce_instance: [Nothing, null]
  set_admin_password: [{ new_pass: string }, null]
}

export interface Sent {
  readonly instance: Instance
  /** Instead of the server's own host. */
  readonly host?: string
}

/** Shares came with 6.4; everything else has been there since 6.0, and all that this file sends since 5.0 but for what `since5` names. */
const versions: Partial<Record<string, string>> = { allow_share: '6.4', deny_share: '6.4' }

/** Where computes of version 5 took an argument only later: since when, and the argument. */
const since5: Partial<Record<string, readonly [version: string, argument: string]>> = {
  revert_resize: ['5.2', 'request_spec'],
  shelve_instance: ['5.13', 'accel_uuids'],
  shelve_offload_instance: ['5.13', 'accel_uuids'],
}

/** Nova's error for what the pinned computes cannot be asked. */
class UnsupportedRpcVersion extends Error {
  override readonly name = 'UnsupportedRPCVersion'
}

/** The version to send a method with, and its arguments without those that computes of that version do not take. */
export function fitting(pin: Pin, method: string, args: Record<string, unknown>): { version: string; args: Record<string, unknown> } {
  const version = versions[method] ?? '6.0'
  if (pin.canSend(version)) return { version, args }
  if (versions[method]) throw new UnsupportedRpcVersion(`Unsupported RPC version for ${method}. Required >= ${version}`)
  const later = since5[method]
  if (!later) return { version: '5.0', args }
  if (pin.canSend(later[0])) return { version: later[0], args }
  const { [later[1]]: _, ...rest } = args
  return { version: '5.0', args: rest }
}

export const pinOf = async ({ rpc }: Pick<Backends, 'rpc'>): Promise<Pin> => (rpc.computePin ? rpc.computePin() : unpinned)

type Place = { readonly cellId: number | null; readonly host: string | null }

/** Rejects with a `MessageDeliveryFailure` when no broker takes the message. */
export async function castToCompute<M extends keyof Casts>(
  backends: Backends,
  context: RequestContext,
  { cellId, host }: Place,
  method: M,
  instance: Instance,
  args: Casts[M],
): Promise<void> {
  const client = await clientOf(backends, cellId, method)
  const { version, args: fit } = fitting(await pinOf(backends), method, wireOf(method, instance, args))
  await client.cast(targetOf(host, method, version), context, method, fit)
}

/** The answer. Rejects with a `RemoteError` when the method failed; a silent or absent compute is a `Fault`. */
export async function callCompute<M extends keyof Calls>(
  backends: Backends,
  context: RequestContext,
  { cellId, host }: Place,
  method: M,
  instance: Instance,
  args: Calls[M][0],
): Promise<Calls[M][1]> {
  try {
    const client = await clientOf(backends, cellId, method)
    const { version, args: fit } = fitting(await pinOf(backends), method, wireOf(method, instance, args))
    return await client.call<Calls[M][1]>(targetOf(host, method, version), context, method, fit, ordinaryCall(backends))
  } catch (error) {
    throw foreseen(error, method)
  }
}

/** Errors of the way there and back as refusals; others as they are. */
export function foreseen(error: unknown, method: string): unknown {
  if (error instanceof MessagingTimeout) return new Fault('unanswered', method)
  if (error instanceof MessageDeliveryFailure) return new Fault('undelivered', error.message)
  return error
}

async function clientOf({ rpc }: Backends, cellId: number | null, method: string): Promise<RpcClient> {
  if (cellId === null) throw new MessageDeliveryFailure(`${method} cannot be sent: no cell holds the server`)
  return rpc.cell(cellId)
}

const heartbeatThresholdSeconds = 60

/** nova/compute/rpcapi.py get_client: where operators allow more than a minute, a compute that is silent for one counts as gone. */
export const ordinaryCall = ({ settings }: Backends): CallOptions =>
  settings.compute.rpcResponseTimeout > heartbeatThresholdSeconds ? { monitorMs: heartbeatThresholdSeconds * 1000 } : {}

function targetOf(host: string | null, method: string, version: string) {
  // nova/compute/rpcapi.py _compute_host
  if (!host) throw new MessageDeliveryFailure(`${method} cannot be sent: the server has no host`)
  return { topic: 'compute', server: host, version }
}

/** Objects among the arguments, which must be brought to their wire form. */
const objects: Readonly<Record<string, { toWire(value: never): unknown }>> = {
  bdms: BlockDeviceMappingList,
  migration: Migration,
  request_spec: RequestSpec,
  share_mapping: ShareMapping,
}

function wireOf(method: string, instance: Instance, args: object): Record<string, unknown> {
  const out: Record<string, unknown> = {}
  // rescue_instance alone names its server last
  if (method !== 'rescue_instance') out.instance = Instance.toWire(instance)
  for (const [name, value] of Object.entries(args)) out[name] = value && objects[name] ? objects[name].toWire(value as never) : value
  out.instance ??= Instance.toWire(instance)
  return out
}
