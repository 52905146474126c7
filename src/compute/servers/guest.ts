/** The flavor and image of a server that exists, as the rules about guests look at them. */
import type { Flavor as StoredFlavor } from '../../stores/api/flavors.ts'
import type { Server } from '../../stores/cell/servers.ts'
import { type Image, imageFromSystemMetadata } from '../../stores/objects/image-meta.ts'
import type { InstanceNUMATopology } from '../../stores/objects/numa.ts'
import { numaTopology } from '../hardware/numa.ts'
import type { GuestFlavor, GuestImage } from '../hardware/wanted.ts'
import { metaOf } from './create/image.ts'
import type { Details } from './details.ts'

/** As much of a flavor as decides whether a server can have it. */
export type Size = GuestFlavor & Pick<StoredFlavor, 'rootGb'>

/** One of the flavors that a server keeps. */
export function sizeOfFlavor(kept: NonNullable<Server['flavor']>['cur']): Size {
  const { name, vcpus, memory_mb, root_gb, extra_specs } = kept['nova_object.data']
  return {
    name: String(name),
    vcpus: Number(vcpus),
    memoryMb: Number(memory_mb),
    rootGb: Number(root_gb),
    extraSpecs: (extra_specs ?? {}) as Record<string, string>,
  }
}

/** The image that the server was made from, as it was then. */
export async function imageOf(details: Details): Promise<{ readonly image: Image; readonly guest: GuestImage }> {
  const image = imageFromSystemMetadata(await details.get('systemMetadata'))
  return { image, guest: metaOf(image) }
}

/** The NUMA nodes that a server has with a flavor. */
export async function topologyWith(details: Details, flavor: GuestFlavor): Promise<InstanceNUMATopology | null> {
  return numaTopology(flavor, (await imageOf(details)).guest)
}
