/** Flavors: what they are made of and who may use them. */
import type { RequestContext } from '../oslo/context.ts'
import type { Flavor, FlavorFilter, FlavorPage, NewFlavor } from '../stores/api/flavors.ts'
import type { Backends } from './backends.ts'
import { Fault } from './faults.ts'
import { flavorPayload } from './notifications/payloads.ts'
import { verifyProject } from './projects.ts'

/** Throws `flavorNotFound` for one that is not there or that the caller's project may not use. */
export async function findFlavor({ stores }: Backends, context: RequestContext, flavorid: string): Promise<Flavor> {
  // nova/objects/flavor.py _flavor_get_query_from_db: who is no admin sees public flavors and those lent to the project
  const flavor = await stores.api.flavors.find(flavorid, context.isAdmin ? undefined : context.projectId)
  if (!flavor) throw new Fault('flavorNotFound', flavorid)
  return flavor
}

export async function listFlavors({ stores }: Backends, filter: FlavorFilter, page: FlavorPage): Promise<Flavor[]> {
  const found = await stores.api.flavors.list(filter, page)
  if (!found) throw new Fault('markerNotFound', page.marker)
  return found
}

/** `flavorid` may be absent: one is made up. */
export async function createFlavor(
  backends: Backends,
  context: RequestContext,
  { flavorid, ...values }: Omit<NewFlavor, 'flavorid'> & { flavorid?: string | undefined },
): Promise<Flavor> {
  const { stores, ids } = backends
  const flavor = { flavorid: flavorid || ids.uuid(), ...values }
  const made = await stores.api.flavors.create(flavor)
  if (made === 'name') throw new Fault('flavorExists', flavor.name)
  if (made === 'flavorid') throw new Fault('flavorIdExists', flavor.flavorid)
  await tell(backends, context, 'create', made)
  return made
}

export async function describeFlavor(
  backends: Backends,
  context: RequestContext,
  flavorid: string,
  description: string | null,
): Promise<Flavor> {
  const flavor = await findFlavor(backends, context, flavorid)
  await backends.stores.api.flavors.describe(flavor.id, description)
  await tell(backends, context, 'update', { ...flavor, description })
  return { ...flavor, description }
}

export async function deleteFlavor(backends: Backends, context: RequestContext, flavorid: string): Promise<void> {
  const { flavors } = backends.stores.api
  const found = backends.notifications.enabled ? await flavors.find(flavorid) : undefined
  if (!(await flavors.remove(flavorid))) throw new Fault('flavorNotFound', flavorid)
  if (found) await tell(backends, context, 'delete', found)
}

/** Who may use one that is gone is not known any more. */
const tell = (
  { notifications, stores }: Backends,
  context: RequestContext,
  action: 'create' | 'update' | 'delete',
  flavor: Flavor,
): Promise<void> =>
  notifications.versioned(context, async () => ({
    object: 'flavor',
    action,
    payload: flavorPayload(flavor, action === 'delete' ? null : await stores.api.flavors.projectsOf(flavor.id)),
  }))

export async function setExtraSpecs(
  backends: Backends,
  context: RequestContext,
  flavorid: string,
  specs: Readonly<Record<string, string>>,
): Promise<void> {
  const flavor = await findFlavor(backends, context, flavorid)
  await backends.stores.api.flavors.setExtraSpecs(flavor.id, specs)
  await tell(backends, context, 'update', { ...flavor, extraSpecs: { ...flavor.extraSpecs, ...specs } })
}

export async function extraSpec(backends: Backends, context: RequestContext, flavorid: string, key: string): Promise<string> {
  const { extraSpecs } = await findFlavor(backends, context, flavorid)
  if (!Object.hasOwn(extraSpecs, key)) throw new Fault('extraSpecNotFound', flavorid, key)
  return extraSpecs[key]!
}

export async function deleteExtraSpec(backends: Backends, context: RequestContext, flavorid: string, key: string): Promise<void> {
  const flavor = await findFlavor(backends, context, flavorid)
  if (!(await backends.stores.api.flavors.removeExtraSpec(flavor.id, key))) throw new Fault('extraSpecNotFound', flavorid, key)
  const { [key]: _, ...extraSpecs } = flavor.extraSpecs
  await tell(backends, context, 'update', { ...flavor, extraSpecs })
}

/** The projects that may use a private flavor; a public one has no such list. */
export async function flavorAccess(backends: Backends, context: RequestContext, flavorid: string): Promise<Access[]> {
  const flavor = await findFlavor(backends, context, flavorid)
  if (flavor.isPublic) throw new Fault('noAccessList')
  return accessTo(backends, flavor)
}

export interface Access {
  readonly flavorid: string
  readonly projectId: string
}

const accessTo = async ({ stores }: Backends, { id, flavorid }: Flavor): Promise<Access[]> =>
  (await stores.api.flavors.projectsOf(id)).map((projectId) => ({ flavorid, projectId }))

/** `publicToo`: lets a project into a public flavor as well, which changes nothing for it. */
export async function addAccess(
  backends: Backends,
  context: RequestContext,
  flavorid: string,
  projectId: string,
  { publicToo }: { publicToo: boolean },
): Promise<Access[]> {
  await verifyProject(backends, context, projectId)
  const flavor = await findFlavor(backends, context, flavorid)
  if (flavor.isPublic && !publicToo) throw new Fault('accessToPublicFlavor')
  if (!(await backends.stores.api.flavors.addProject(flavor.id, projectId))) throw new Fault('flavorAccessExists', flavor.id, projectId)
  await tell(backends, context, 'update', flavor)
  return accessTo(backends, flavor)
}

export async function removeAccess(backends: Backends, context: RequestContext, flavorid: string, projectId: string): Promise<Access[]> {
  // A project that is gone can still be taken off the list
  await verifyProject(backends, context, projectId).catch((error) => {
    if (!(error instanceof Fault && error.kind === 'projectNotFound')) throw error
  })
  const flavor = await findFlavor(backends, context, flavorid)
  if (!(await backends.stores.api.flavors.removeProject(flavor.id, projectId)))
    throw new Fault('flavorAccessNotFound', flavor.id, projectId)
  await tell(backends, context, 'update', flavor)
  return accessTo(backends, flavor)
}
