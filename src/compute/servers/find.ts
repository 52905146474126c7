/** Finds one server: in its cell, or among those that no cell holds yet. */
import type { RequestContext } from '../../oslo/context.ts'
import type { ServerMapping, WholeMapping } from '../../stores/api/mappings.ts'
import type { Server } from '../../stores/cell/servers.ts'
import { answered } from '../../stores/cells.ts'
import { serverOfRequest } from '../../stores/pending.ts'
import type { Backends } from '../backends.ts'
import { Fault } from '../faults.ts'
import { partialServer } from './partial.ts'

/** Whole, when it was looked for so. */
type Mapping = ServerMapping & Partial<WholeMapping>

interface How {
  /** When its cell does not answer: what nova_api knows of it, instead of an error. */
  readonly partial?: boolean
  readonly deletedToo?: boolean
  /** With all that is known for showing it, in as many statements. */
  readonly whole?: boolean
  /** A rule about the server is asked next. Until then, one that lies in no cell that answers is there for everybody, as in Nova. */
  readonly ruleFollows?: boolean
}

/** Throws `serverNotFound`; one of another project is not there for who is no admin. */
export async function findServer(backends: Backends, context: RequestContext, uuid: string, how: How = {}): Promise<Server> {
  const server = isUuid(uuid) ? await anyServer(backends, context, uuid, how) : undefined
  // nova/db/main/api.py model_query with project_only, which build requests and mappings are read without
  const free = how.ruleFollows === true && (server?.pending !== undefined || server?.partial === true)
  if (!server || (!free && !context.isAdmin && server.projectId !== context.projectId)) throw new Fault('serverNotFound', uuid)
  return server
}

/** oslo_utils.uuidutils takes any digits with dashes anywhere; the database then finds only the usual form. */
const isUuid = (text: string): boolean => /^[0-9a-f]{32}$/i.test(text.replaceAll('-', ''))

async function anyServer(backends: Backends, context: RequestContext, uuid: string, how: How): Promise<Server | undefined> {
  const { api } = backends.stores
  const mapping: Mapping | undefined = await (how.whole ? api.serverMappings.findWhole(uuid) : api.serverMappings.find(uuid))
  if (!mapping) return undefined
  if (mapping.cellId !== null) return inCell(backends, context, mapping, how)
  const request = await api.requests.find(uuid)
  if (request) return serverOfRequest(request)
  // It went into a cell between the two questions
  const again = await api.serverMappings.find(uuid)
  return again && again.cellId !== null ? inCell(backends, context, again, how) : undefined
}

async function inCell(backends: Backends, context: RequestContext, mapping: Mapping, how: How): Promise<Server | undefined> {
  const { cells } = backends.stores
  const uuid = mapping.instanceUuid
  const deletedToo = how.deletedToo === true || context.readDeleted === 'yes'
  const [answer] = await cells.gather(
    ({ servers }) => (how.whole ? servers.findWhole(uuid, { deletedToo }) : servers.find(uuid, { deletedToo })),
    [mapping.cellId!],
  )
  if (answer && answered(answer)) return answer.value && mapping.known ? { ...answer.value, known: mapping.known } : answer.value
  if (!how.partial) throw new Fault('cellDown', answer?.cell.uuid ?? mapping.cellId)
  return mapping.queuedForDelete ? undefined : partialServer(mapping, await backends.stores.api.requestSpecs.find(uuid))
}
