/** Host aggregates: groups of hosts. One with the metadata `availability_zone` is that zone, and a host is in one zone at most. */
import type { RequestContext } from '../oslo/context.ts'
import { toDateTime } from '../oslo/database/datetime.ts'
import { PeerError } from '../oslo/keystoneauth/errors.ts'
import { isForbidden } from '../peers/glance.ts'
import type { Aggregate } from '../stores/api/aggregates.ts'
import { answered, type Cell } from '../stores/cells.ts'
import { Aggregate as AggregateObject } from '../stores/objects/aggregate.ts'
import type { Backends } from './backends.ts'
import { Fault, type FaultKind } from './faults.ts'
import { aggregateNotices } from './notifications/aggregates.ts'
import { failing } from './notifications/exceptions.ts'
import { computeOf } from './services/find.ts'

export const listAggregates = ({ stores }: Backends): Promise<Aggregate[]> => stores.api.aggregates.list()

/** Throws `aggregateNotFound`. */
export async function findAggregate({ stores }: Backends, id: number): Promise<Aggregate> {
  const found = await stores.api.aggregates.find(id)
  if (!found) throw new Fault('aggregateNotFound', id)
  return found
}

/** Throws `aggregateExists`. */
export const createAggregate = (
  backends: Backends,
  context: RequestContext,
  wanted: { name: string; zone: string | null },
): Promise<Aggregate> =>
  failing(backends, context, 'create_aggregate', { aggregate_name: wanted.name, availability_zone: wanted.zone }, () =>
    create(backends, context, wanted),
  )

async function create(
  backends: Backends,
  context: RequestContext,
  { name, zone }: { name: string; zone: string | null },
): Promise<Aggregate> {
  const { stores, ids } = backends
  const metadata: Record<string, string> = zone ? { availability_zone: zone } : {}
  const wanted = { uuid: ids.uuid(), name, metadata }
  const facts = { name, meta_data: metadata }
  const notices = aggregateNotices(backends, context, 'create')
  await notices.both('start', wanted, facts)
  const made = await stores.api.aggregates.create(wanted)
  if (!made) throw new Fault('aggregateExists', name)
  await notices.both('end', made, facts)
  await tellSchedulers(backends, context, made)
  return made
}

type Pairs = Readonly<Record<string, string | null>>

/** A new name is kept even when the zone is then refused, as in Nova. Throws `aggregateExists` or `aggregateNotUpdated`. */
export function updateAggregate(
  backends: Backends,
  context: RequestContext,
  id: number,
  { name, ...pairs }: { name?: string; availability_zone?: string | null },
): Promise<Aggregate> {
  const run = () => update(backends, context, id, name, pairs)
  return failing(backends, context, 'update_aggregate', { aggregate_id: id, values: pairs }, run)
}

async function update(
  backends: Backends,
  context: RequestContext,
  id: number,
  name: string | undefined,
  pairs: { availability_zone?: string | null },
): Promise<Aggregate> {
  let aggregate = await findAggregate(backends, id)
  if (name !== undefined && name !== aggregate.name) {
    const notices = aggregateNotices(backends, context, 'update_prop')
    await notices.both('start', { ...aggregate, name })
    if (!(await backends.stores.api.aggregates.rename(id, name))) throw new Fault('aggregateExists', name)
    aggregate = await findAggregate(backends, id)
    await notices.both('end', aggregate)
  }
  if (Object.keys(pairs).length === 0) {
    await tellSchedulers(backends, context, aggregate)
    return aggregate
  }
  return withMetadata(backends, context, aggregate, pairs as Pairs, 'aggregateNotUpdated')
}

/** Sets these pairs and keeps the others; a pair whose value is null goes. Throws `aggregateMetadataNotUpdated`. */
export function setAggregateMetadata(backends: Backends, context: RequestContext, id: number, pairs: Pairs): Promise<Aggregate> {
  return failing(backends, context, 'update_aggregate_metadata', { aggregate_id: id, metadata: pairs }, async () =>
    withMetadata(backends, context, await findAggregate(backends, id), pairs, 'aggregateMetadataNotUpdated'),
  )
}

async function withMetadata(
  backends: Backends,
  context: RequestContext,
  aggregate: Aggregate,
  pairs: Pairs,
  refusal: Refusal,
): Promise<Aggregate> {
  await checkZone(backends, aggregate, pairs, aggregate.hosts, refusal)
  if ('availability_zone' in pairs && pairs.availability_zone !== aggregate.metadata.availability_zone) {
    const answers = await backends.stores.cells.gather((cell) => cell.hosts.countServers(aggregate.hosts))
    if (answers.filter(answered).some(({ value }) => value > 0))
      throw new Fault(refusal, aggregate.id, 'One or more hosts contain instances in this zone')
  }
  const notices = aggregateNotices(backends, context, 'update_metadata')
  await notices.both('start', aggregate, { meta_data: pairs })
  await backends.stores.api.aggregates.setMetadata(aggregate.id, pairs)
  const metadata = Object.fromEntries(
    Object.entries({ ...aggregate.metadata, ...pairs }).filter((pair): pair is [string, string] => pair[1] !== null),
  )
  // The time is told and not kept: only its name is the aggregate's own row
  const changed = { ...aggregate, metadata, updatedAt: toDateTime(backends.clock.now()) }
  await notices.both('end', changed, { meta_data: pairs })
  await tellSchedulers(backends, context, changed)
  return changed
}

type Refusal = FaultKind & ('aggregateHostRefused' | 'aggregateNotUpdated' | 'aggregateMetadataNotUpdated')

/** No host may come to be in two zones. nova/compute/api.py AggregateAPI.is_safe_to_update_az */
async function checkZone(
  backends: Backends,
  aggregate: Aggregate,
  pairs: Pairs,
  hosts: readonly string[],
  refusal: Refusal,
): Promise<void> {
  if (!('availability_zone' in pairs)) return
  if (!pairs.availability_zone)
    throw new Fault(refusal, aggregate.id, `Aggregate ${aggregate.name} does not support empty named availability zone`)
  const zones = (await listAggregates(backends))
    .filter(({ id, hosts: others }) => id !== aggregate.id && others.some((host) => hosts.includes(host)))
    .map(({ metadata }) => metadata.availability_zone)
    .filter((zone) => zone !== undefined && zone !== pairs.availability_zone)
  if (zones.length > 0)
    throw new Fault(
      refusal,
      aggregate.id,
      `One or more hosts already in availability zone(s) [${zones.map((zone) => `'${zone}'`).join(', ')}]`,
    )
}

/** Throws `aggregateNotEmpty` while hosts are in it. */
export const deleteAggregate = (backends: Backends, context: RequestContext, id: number): Promise<void> =>
  failing(backends, context, 'delete_aggregate', { aggregate_id: id }, () => remove(backends, context, id))

async function remove(backends: Backends, context: RequestContext, id: number): Promise<void> {
  const notices = aggregateNotices(backends, context, 'delete')
  await notices.older('start', { id })
  const aggregate = await findAggregate(backends, id)
  await notices.newer('start', aggregate)
  if (aggregate.hosts.length > 0) throw new Fault('aggregateHostKept', id, 'Host aggregate is not empty')
  await backends.stores.api.aggregates.remove(id)
  await backends.rpc.top.fanout(schedulers, context, 'delete_aggregate', { aggregate: wireOf(aggregate) })
  await notices.both('end', aggregate)
}

/** Throws `computeHostNotFound`, `aggregateHostRefused` or `aggregateHostExists`. */
export const addHost = (backends: Backends, context: RequestContext, id: number, host: string): Promise<Aggregate> =>
  failing(backends, context, 'add_host_to_aggregate', { aggregate_id: id, host_name: host }, () => putIn(backends, context, id, host))

async function putIn(backends: Backends, context: RequestContext, id: number, host: string): Promise<Aggregate> {
  const notices = aggregateNotices(backends, context, 'add_host')
  await notices.older('start', { id }, { host_name: host })
  const { cell } = await computeOf(backends, host)
  const aggregate = await findAggregate(backends, id)
  await notices.newer('start', aggregate)
  await checkZone(backends, aggregate, aggregate.metadata, [host], 'aggregateHostRefused')
  await checkServersStay(backends, cell, aggregate, host, 'added')
  if (!(await backends.stores.api.aggregates.addHost(id, host))) throw new Fault('aggregateHostExists', id, host)
  const changed = { ...aggregate, hosts: [...aggregate.hosts, host] }
  await tellSchedulers(backends, context, changed)
  try {
    await changeInPlacement(backends, await nodeOf(cell, host), (all) => (all.includes(aggregate.uuid!) ? all : [...all, aggregate.uuid!]))
  } catch (error) {
    if (!(error instanceof PeerError || (error instanceof Fault && error.kind === 'providerConflict'))) throw error
    // Users know nothing of Placement; nova-manage placement sync_aggregates mends it
    backends.log.warning(`${host} is not in the aggregate ${aggregate.uuid} for Placement: ${error.message}`)
  }
  await notices.both('end', changed, { host_name: host, name: aggregate.name })
  return changed
}

/** Throws `aggregateHostNotFound`, `aggregateHostKept`, or a `PeerError`, before anything is changed, when Placement cannot follow. */
export async function removeHost(backends: Backends, context: RequestContext, id: number, host: string): Promise<Aggregate> {
  try {
    return await failing(backends, context, 'remove_host_from_aggregate', { aggregate_id: id, host_name: host }, () =>
      takeOut(backends, context, id, host),
    )
  } catch (error) {
    if (error instanceof Fault && (error.kind === 'computeHostNotFound' || error.kind === 'aggregateNotFound'))
      throw new Fault('aggregateHostNotFound', host, id)
    throw error
  }
}

async function takeOut(backends: Backends, context: RequestContext, id: number, host: string): Promise<Aggregate> {
  const notices = aggregateNotices(backends, context, 'remove_host')
  await notices.older('start', { id }, { host_name: host })
  const { cell } = await computeOf(backends, host)
  const aggregate = await findAggregate(backends, id)
  await notices.newer('start', aggregate)
  await checkServersStay(backends, cell, aggregate, host, 'removed')
  await changeInPlacement(backends, await nodeOf(cell, host), (all) => all.filter((uuid) => uuid !== aggregate.uuid))
  if (!(await backends.stores.api.aggregates.removeHost(id, host))) throw new Fault('aggregateHostNotFound', host, id)
  const changed = { ...aggregate, hosts: aggregate.hosts.filter((each) => each !== host) }
  await tellSchedulers(backends, context, changed)
  await notices.both('end', changed, { host_name: host })
  return changed
}

/** Takes a host out of every aggregate. */
export async function dropFromAggregates(backends: Backends, context: RequestContext, host: string): Promise<void> {
  for (const { id, hosts } of await listAggregates(backends)) if (hosts.includes(host)) await removeHost(backends, context, id, host)
}

/** A server cannot change its zone: a host that has some keeps the zone that it is in. */
async function checkServersStay(
  backends: Backends,
  cell: Cell,
  aggregate: Aggregate,
  host: string,
  step: 'added' | 'removed',
): Promise<void> {
  const zone = aggregate.metadata.availability_zone
  const servers = zone ? await cell.hosts.countServers([host]) : 0
  if (servers === 0) return
  const others = (await listAggregates(backends)).filter(
    ({ id, hosts }) => hosts.includes(host) && (step === 'added' || id !== aggregate.id),
  )
  const other = others.map(({ metadata }) => metadata.availability_zone).find((each) => each !== undefined)
  if (other === zone) return
  const [before, after] = step === 'added' ? [other, zone] : [zone, other]
  throw new Fault(
    step === 'added' ? 'aggregateHostRefused' : 'aggregateHostKept',
    aggregate.id,
    `The host cannot be ${step === 'added' ? 'added to' : 'removed from'} the aggregate as the availability zone of the host would change from ` +
      `'${before ?? 'None'}' to '${after ?? 'None'}' but the host already has ${servers} instance(s). Changing the AZ of an existing instance is ` +
      'not supported by this action. Move the instances away from this host then try again. If you need to move the instances between AZs ' +
      'then you can use shelve_offload and unshelve to achieve this.',
  )
}

/** The name that Placement knows a host by: that of its first node. */
async function nodeOf(cell: Cell, host: string): Promise<string> {
  const [node] = await cell.computeNodes.ofHost(host)
  if (!node) throw new Fault('computeHostNotFound', host)
  return node.hypervisorHostname!
}

const attempts = 4

/** Throws `providerConflict` when others keep changing the provider. */
async function changeInPlacement(
  { peers: { placement }, log }: Backends,
  node: string,
  change: (all: readonly string[]) => readonly string[],
): Promise<void> {
  for (let left = attempts; left > 0; left--) {
    const provider = await placement.providerNamed(node)
    const held = provider && (await placement.aggregatesOf(provider.uuid))
    if (!held) return log.warning(`Placement has no provider called ${node}, so its aggregates are not changed there.`)
    const aggregates = change(held.aggregates)
    if (aggregates.length === held.aggregates.length) return
    if (await placement.setAggregates(provider.uuid, { ...held, aggregates })) return
  }
  throw new Fault('providerConflict', node)
}

/** Has the conductor fetch images to the hosts of an aggregate. Throws `imageNotFound`, `imageNotAuthorized` or `badRequest`. */
export async function cacheImages(backends: Backends, context: RequestContext, id: number, imageIds: readonly string[]): Promise<void> {
  const aggregate = await findAggregate(backends, id)
  for (const imageId of imageIds) await checkImage(backends, context, imageId)
  const conductor = { topic: 'conductor', namespace: 'compute_task', version: '1.21' }
  await backends.rpc.top.cast(conductor, context, 'cache_images', { aggregate: wireOf(aggregate), image_ids: imageIds })
}

async function checkImage({ peers }: Backends, context: RequestContext, imageId: string): Promise<void> {
  try {
    if (!(await peers.glance.as(context).show(imageId))) throw new Fault('imageNotFound', imageId)
  } catch (error) {
    if (isForbidden(error)) throw new Fault('imageNotAuthorized', imageId)
    if (error instanceof PeerError) throw new Fault('badRequest', error.message)
    throw error
  }
}

const schedulers = { topic: 'scheduler', version: '4.1' }

const tellSchedulers = ({ rpc }: Backends, context: RequestContext, aggregate: Aggregate): Promise<void> =>
  rpc.top.fanout(schedulers, context, 'update_aggregates', { aggregates: [wireOf(aggregate)] })

const wireOf = ({ id, uuid, name, hosts, metadata, createdAt, updatedAt }: Aggregate): unknown =>
  AggregateObject.toWire({
    id,
    uuid: uuid!,
    name: name!,
    hosts: [...hosts],
    metadata: { ...metadata },
    created_at: createdAt,
    updated_at: updatedAt,
    deleted_at: null,
    deleted: false,
  })
