/** Asks nova-conductor to schedule new servers and have them built (nova/conductor/rpcapi.py schedule_and_build_instances). */
import type { RequestContext } from '../../oslo/context.ts'
import type { WireObject } from '../../oslo/objects/object.ts'
import type { Backends } from '../backends.ts'
import type { InjectedFile } from '../quotas.ts'

export interface Build {
  readonly build_requests: readonly WireObject[]
  readonly request_specs: readonly WireObject[]
  readonly image: Readonly<Record<string, unknown>>
  readonly admin_password: string
  readonly injected_files: readonly InjectedFile[]
  /** Null when nothing was said of networks. */
  readonly requested_networks: WireObject | null
  readonly block_device_mapping: WireObject
  readonly tags: WireObject
}

const target = { topic: 'conductor', namespace: 'compute_task', version: '1.17' }

/** Resolves when the broker has it; rejects with a `MessageDeliveryFailure`. */
export const castBuild = ({ rpc }: Pick<Backends, 'rpc'>, context: RequestContext, build: Build): Promise<void> =>
  rpc.top.cast(target, context, 'schedule_and_build_instances', { ...build })
