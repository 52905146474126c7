/** Images of Glance, as the compute API shows and changes them until 2.35, and their metadata until 2.38. */
import type { RequestContext } from '../../oslo/context.ts'
import { PeerError } from '../../oslo/keystoneauth/errors.ts'
import { dumps } from '../../oslo/python-json.ts'
import { glanceText } from '../../peers/glance.ts'
import { type Image, imageFromGlance } from '../../stores/objects/image-meta.ts'
import type { Backends } from '../backends.ts'
import { Fault } from '../faults.ts'
import { checkMetadataItems } from '../quotas.ts'
import { findImage } from '../servers/images.ts'

export interface ImagePage {
  /** All when undefined. */
  readonly limit: number | undefined
  readonly pageSize: number | undefined
  readonly marker: string | undefined
}

export type Filters = Readonly<Record<string, string>>

/** Throws `badRequest` in Glance's words, such as for a marker that is not there. */
export async function listImages({ peers }: Backends, context: RequestContext, filters: Filters, page: ImagePage): Promise<Image[]> {
  const size = Math.min(page.limit ?? Number.POSITIVE_INFINITY, page.pageSize ?? defaultPage)
  const query = { ...glanceFilters(filters), limit: size, ...(page.marker && { marker: page.marker }) }
  try {
    return (await peers.glance.as(context).list(query, page.limit)).map(imageFromGlance)
  } catch (error) {
    if (!(error instanceof PeerError)) throw error
    if (error.status === 401 || error.status === 403) throw new Fault('forbidden', glanceText(error))
    throw error.status === 400 ? new Fault('badRequest', glanceText(error)) : error
  }
}

/** As many as Glance gives at once, unless it is told to give fewer. */
const defaultPage = 1000

/**
 * nova/image/glance.py _extract_query_params_v2. What stands before the name of a property is taken off as Python's lstrip does: a name that begins with
 * letters of `property-` loses them too.
 */
function glanceFilters(filters: Filters): Filters {
  const out: Record<string, string> = {}
  for (const [name, value] of Object.entries(filters)) {
    if (name.startsWith('property-')) out[name.replace(/^[property-]+/, '')] = value
    else if (name === 'changes-since') out.updated_at = `gte:${value}`
    else out[name] = value
  }
  return out
}

/** Throws `missing`. */
export async function imageShown(backends: Backends, context: RequestContext, id: string): Promise<Image> {
  return findImage(backends, context, id).catch((error: unknown) => {
    throw isKind(error, 'imageNotFound') ? notThere() : error
  })
}

/** Throws `missing` and `forbidden`. */
export async function deleteImage({ peers }: Backends, context: RequestContext, id: string): Promise<void> {
  try {
    if (!(await peers.glance.as(context).remove(id))) throw notThere()
  } catch (error) {
    if (error instanceof PeerError && error.status === 403) throw new Fault('forbidden', 'You are not allowed to delete the image.')
    throw error
  }
}

type Properties = Readonly<Record<string, unknown>>

/** Throws `missing` and `imageNotAuthorized`. */
export const propertiesOf = async (backends: Backends, context: RequestContext, id: string): Promise<Properties> =>
  (await imageShown(backends, context, id)).properties ?? {}

/** Makes of an image's properties what `change` does; answers them as they are then. Throws `missing`, `imageNotAuthorized` and `forbidden`. */
export async function changeProperties(
  backends: Backends,
  context: RequestContext,
  id: string,
  change: (before: Properties) => Properties,
  /** Whether there may not be more of them than a server may have of metadata. */
  { counted = false } = {},
): Promise<Properties> {
  const before = await propertiesOf(backends, context, id)
  const after = change(before)
  if (counted) await checkCount(backends, context, after)
  const patch = difference(before, after)
  if (patch.length === 0) return before
  try {
    return imageFromGlance(await backends.peers.glance.as(context).patch(id, patch)).properties ?? {}
  } catch (error) {
    if (!(error instanceof PeerError)) throw error
    if (error.status === 401 || error.status === 403) throw new Fault('imageNotAuthorized', id)
    throw error.status === 404 ? new Fault('imageNotFound', id) : error
  }
}

async function checkCount(backends: Backends, context: RequestContext, properties: Properties): Promise<void> {
  const count = Object.keys(properties).length
  if (count === 0) return
  await checkMetadataItems(backends, context, count).catch((error: unknown) => {
    throw isKind(error, 'metadataLimitExceeded') ? new Fault('forbidden', 'Image metadata limit exceeded') : error
  })
}

/** The JSON patch that makes one of the other. */
function difference(before: Properties, after: Properties): object[] {
  const gone = Object.keys(before).filter((name) => !Object.hasOwn(after, name))
  const changed = Object.entries(after).filter(
    ([name, value]) => !Object.hasOwn(before, name) || glanceValue(before[name]) !== glanceValue(value),
  )
  return [
    ...changed
      // nova/image/glance.py _convert_to_v2: these two are left as they are when they are to be none
      .filter(([name, value]) => !(['kernel_id', 'ramdisk_id'].includes(name) && /^(none)?$/i.test(String(value).trim())))
      .map(([name, value]) => ({ op: Object.hasOwn(before, name) ? 'replace' : 'add', path: pointer(name), value: glanceValue(value) })),
    ...gone.map((name) => ({ op: 'remove', path: pointer(name) })),
  ]
}

/** Glance keeps texts. */
const glanceValue = (value: unknown): string | null =>
  value === null || typeof value === 'string' ? value : typeof value === 'object' ? dumps(value) : String(value)

const pointer = (name: string): string => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`

const notThere = (): Fault => new Fault('missing', 'Image not found.')
const isKind = (error: unknown, kind: Fault['kind']): boolean => error instanceof Fault && error.kind === kind
