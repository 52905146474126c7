/** Finds one service, wherever it is. */
import type { Service } from '../../stores/cell/services.ts'
import { answered, type Cell } from '../../stores/cells.ts'
import type { Backends } from '../backends.ts'
import { Fault } from '../faults.ts'

/** A service and the cell that it is in. */
export interface Placed {
  readonly cell: Cell
  readonly service: Service
}

/** The compute service of a host, wherever it is. Throws `computeHostNotFound`. */
export async function computeOf({ stores }: Backends, host: string): Promise<Placed> {
  const mapping = await stores.api.hostMappings.find(host)
  const places = await stores.cells.gather((cell) => cell.services.find(host, 'nova-compute'), mapping ? [mapping.cellId!] : undefined)
  const found = places.filter(answered).flatMap(({ cell, value }) => (value ? [{ cell, service: value }] : []))
  // A database that compares without case may find a host of another name
  if (found.length === 0 || found[0]!.service.host !== host) throw new Fault('computeHostNotFound', host)
  if (found.length > 1) throw new Error(`several cells have a compute service on ${host}`)
  return found[0]!
}

/** A service by its host and binary, in the cell to which the host is mapped. Throws `hostNotMapped` or `hostBinaryNotFound`. */
export async function serviceOn({ stores }: Backends, host: string, binary: string): Promise<Placed> {
  const mapping = await stores.api.hostMappings.find(host)
  const cell = mapping && (await stores.cells.byId(mapping.cellId!))
  if (!cell) throw new Fault('hostNotMapped', host)
  const service = await cell.services.find(host, binary)
  if (!service) throw new Fault('hostBinaryNotFound', binary, host)
  return { cell, service }
}

/** By UUID, or by the id that it has within its cell. Throws `serviceNotFound`, or `serviceNotUnique` when several cells have that id. */
export async function findService({ stores }: Backends, id: string | number): Promise<Placed> {
  const places = await stores.cells.gather((cell) => cell.services.get(id))
  const found = places.filter(answered).flatMap(({ cell, value }) => (value ? [{ cell, service: value }] : []))
  if (found.length === 0) throw new Fault('serviceNotFound', id)
  if (found.length > 1) throw new Fault('serviceNotUnique', id)
  return found[0]!
}
