/** Payloads of everything but servers (nova/notifications/objects). */
import type { Aggregate } from '../../stores/api/aggregates.ts'
import type { Flavor } from '../../stores/api/flavors.ts'
import type { KeyPair } from '../../stores/api/key-pairs.ts'
import type { WholeGroup } from '../../stores/api/server-groups.ts'
import type { Service } from '../../stores/cell/services.ts'
import { payload, time } from './payload.ts'

export const aggregatePayload = ({ id, uuid, name, hosts, metadata }: Partial<Aggregate>) =>
  payload('AggregatePayload', '1.1', { id: id ?? null, uuid, name, hosts: hosts ?? null, metadata: metadata ?? null })

export type KeyPairFacts = Pick<KeyPair, 'userId' | 'name'> & Partial<KeyPair>

export const keyPairPayload = ({ userId, name, publicKey, fingerprint, type }: KeyPairFacts) =>
  payload('KeypairPayload', '1.0', {
    user_id: userId,
    name,
    public_key: publicKey ?? null,
    fingerprint: fingerprint ?? null,
    type: type ?? 'ssh',
  })

export const serverGroupPayload = ({ uuid, name, userId, projectId, policy, rules, members }: WholeGroup) =>
  payload('ServerGroupPayload', '1.1', {
    uuid,
    name,
    user_id: userId,
    project_id: projectId,
    policies: policy === null ? [] : [policy],
    members: [...members],
    hosts: null,
    policy,
    rules: { ...rules },
  })

type FlavorFacts = Pick<
  Flavor,
  'flavorid' | 'memoryMb' | 'vcpus' | 'rootGb' | 'ephemeralGb' | 'name' | 'swap' | 'rxtxFactor' | 'disabled' | 'isPublic' | 'extraSpecs'
> & { readonly description?: string | null; readonly vcpuWeight?: number | null }

/** `projects`: who may use it; null when that is not known any more, or belongs to a server. */
export const flavorPayload = (flavor: FlavorFacts, projects: readonly string[] | null) =>
  payload('FlavorPayload', '1.4', {
    flavorid: flavor.flavorid,
    memory_mb: flavor.memoryMb,
    vcpus: flavor.vcpus,
    root_gb: flavor.rootGb,
    ephemeral_gb: flavor.ephemeralGb,
    name: flavor.name,
    swap: flavor.swap,
    rxtx_factor: flavor.rxtxFactor,
    vcpu_weight: flavor.vcpuWeight ?? 0,
    disabled: Boolean(flavor.disabled),
    is_public: Boolean(flavor.isPublic),
    extra_specs: { ...flavor.extraSpecs },
    projects: projects && [...projects],
    description: flavor.description ?? null,
  })

export const servicePayload = (service: Service, zone: string | null) =>
  payload('ServiceStatusPayload', '1.1', {
    host: service.host,
    binary: service.binary,
    topic: service.topic,
    report_count: service.reportCount,
    disabled: Boolean(service.disabled),
    disabled_reason: service.disabledReason,
    availability_zone: zone,
    last_seen_up: time(service.lastSeenUp),
    forced_down: Boolean(service.forcedDown),
    version: service.version,
    uuid: service.uuid,
  })
