/** What is known of one server beside its row, each part read when it is first asked for and then kept for the rest of a request. */
import type { PciDeviceRow } from '../../stores/cell/attachments.ts'
import type { BlockDevice } from '../../stores/cell/block-devices.ts'
import type { ServerExtra } from '../../stores/cell/extra.ts'
import type { NetworkInfoCache } from '../../stores/cell/network-info.ts'
import type { Server, ServerChanges } from '../../stores/cell/servers.ts'
import type { Service } from '../../stores/cell/services.ts'
import type { Cell } from '../../stores/cells.ts'
import { type ImageMeta, imageMetaOfInstance } from '../../stores/objects/image-meta.ts'
import type { Backends } from '../backends.ts'
import { inCell } from './in-cell.ts'

export type Pairs = Readonly<Record<string, string | null>>

export interface Parts {
  readonly metadata: Pairs
  readonly systemMetadata: Pairs
  readonly blockDevices: readonly BlockDevice[]
  readonly extra: ServerExtra | undefined
  readonly infoCache: NetworkInfoCache | undefined
  readonly pciDevices: readonly PciDeviceRow[]
  /** The compute service of its host. */
  readonly services: readonly Service[]
}

export interface Details {
  readonly server: Server
  get<P extends keyof Parts>(part: P): Promise<Parts[P]>
  /** The same server after a change that the caller has made. */
  with(changes: ServerChanges, parts?: Partial<Parts>): Details
}

type Read<P extends keyof Parts> = (cell: Cell, server: Server) => Promise<Parts[P]>

const reads: { readonly [P in keyof Parts]: Read<P> } = {
  metadata: async (cell, { uuid }) => (await cell.metadata.of([uuid])).get(uuid) ?? {},
  systemMetadata: async (cell, { uuid }) => (await cell.systemMetadata.of([uuid])).get(uuid) ?? {},
  blockDevices: async (cell, { uuid }) => (await cell.blockDevices.of([uuid])).get(uuid) ?? [],
  extra: (cell, { uuid }) => cell.serverExtra.find(uuid),
  infoCache: (cell, { uuid }) => cell.networkInfo.find(uuid),
  pciDevices: (cell, { uuid }) => cell.pciDevices.of(uuid),
  services: (cell, { host }) => cell.services.ofHosts(host ? [host] : [], 'nova-compute'),
}

export function detailsOf(backends: Pick<Backends, 'stores'>, server: Server): Details {
  const { pending } = server
  return over(
    backends,
    server,
    pending ? { metadata: pending.metadata, systemMetadata: pending.systemMetadata, blockDevices: [] } : {},
    new Map(),
  )
}

function over(
  backends: Pick<Backends, 'stores'>,
  server: Server,
  given: Partial<Parts>,
  kept: Map<keyof Parts, Promise<Parts[keyof Parts]>>,
): Details {
  return {
    server,
    get: (part) => {
      if (part in given) return Promise.resolve(given[part] as never)
      let found = kept.get(part)
      if (!found) kept.set(part, (found = inCell(backends, server, (cell) => reads[part](cell, server))))
      return found as never
    },
    with: (changes, parts = {}) => over(backends, { ...server, ...changes } as Server, { ...given, ...parts }, kept),
  }
}

/** The image that the server was made from, as its system metadata tells. */
export async function imageMetaOf(details: Details): Promise<ImageMeta> {
  return imageMetaOfInstance({ system_metadata: await details.get('systemMetadata'), image_ref: details.server.imageRef })
}

/** Whether it boots from a volume. nova/compute/utils.py is_volume_backed_instance */
export async function isVolumeBacked(details: Details): Promise<boolean> {
  const root = rootDevice(await details.get('blockDevices'))
  return root ? root.destinationType === 'volume' : !details.server.imageRef
}

/** nova/objects/block_device.py root_bdm */
export const rootDevice = (devices: readonly BlockDevice[]): BlockDevice | undefined => devices.find(({ bootIndex }) => bootIndex === 0)

/** Its extra specs. */
export const extraSpecsOf = ({ flavor }: Server): Readonly<Record<string, string>> =>
  (flavor?.cur['nova_object.data'].extra_specs ?? {}) as Record<string, string>
