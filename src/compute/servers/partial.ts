/** What can be said of a server whose cell does not answer. */
import type { WireObject } from '../../oslo/objects/object.ts'
import type { ServerMapping } from '../../stores/api/mappings.ts'
import type { Server } from '../../stores/cell/servers.ts'

/** With its request spec, what was requested as well; undefined when a spec was looked for and is not there. */
export function partialServer(mapping: ServerMapping, spec: WireObject | undefined | null): Server | undefined {
  if (spec === undefined) return undefined
  const known = {
    uuid: mapping.instanceUuid,
    projectId: mapping.projectId,
    createdAt: mapping.createdAt,
    cellId: mapping.cellId,
    partial: true,
  }
  if (spec === null) return known as unknown as Server
  const data = spec['nova_object.data']
  const image = (data.image as WireObject | null)?.['nova_object.data']
  return {
    ...known,
    powerState: 0,
    userId: data.user_id ?? null,
    flavor: data.flavor ? { cur: data.flavor, old: null, new: null } : null,
    imageRef: image?.id ?? null,
    availabilityZone: data.availability_zone ?? null,
  } as unknown as Server
}
