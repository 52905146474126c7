/** What views of servers show beside the row, and what loads it. */
import * as extras from '../../../compute/servers/extras.ts'
import { hypervisorName } from '../../../compute/servers/names.ts'
import type { Beside } from '../../../stores/cell/beside.ts'
import type { Server } from '../../../stores/cell/servers.ts'
import { zulu } from '../../spec/fields.ts'
import type { Call, Loaders, Together } from '../../spec/operation.ts'
import { statusOf } from './status.ts'

type Loaded<F extends (...args: never[]) => Promise<unknown>> = Awaited<ReturnType<F>>

export interface ServerExtra extends Readonly<{ [P in keyof Beside]: ReadonlyMap<string, Beside[P]> }> {
  readonly faults: ReadonlyMap<string, ShownFault>
  readonly wishes: Loaded<typeof extras.wishesOf>
  readonly groups: Loaded<typeof extras.groupsOf>
  readonly zones: Loaded<typeof extras.zonesOf>
  readonly hostStatuses: Loaded<typeof extras.hostStatusesOf>
  readonly securityGroups: Loaded<typeof extras.securityGroupsOf>
  readonly name: (server: Server) => string
  readonly adminPass: string | undefined
}

export interface ShownFault {
  readonly code: number
  readonly created: string
  readonly message: string | null
  readonly details?: string
}

const inCells: Together<Server> = {
  together: (page, { backends }, needs) => extras.besideOf(backends, page, needs as (keyof Beside)[]),
}

export const serverLoaders: Loaders<Server> = {
  metadata: inCells,
  systemMetadata: inCells,
  tags: inCells,
  volumes: inCells,
  faults: (page, call) => shownFaults(page, call),
  wishes: (page, { backends }) => extras.wishesOf(backends, page),
  groups: (page, { backends }) => extras.groupsOf(backends, page),
  zones: (page, { backends }) => extras.zonesOf(backends, page),
  hostStatuses: (page, { backends }) => extras.hostStatusesOf(backends, page),
  securityGroups: (page, { backends, context }) => extras.securityGroupsOf(backends, context, page),
  name:
    async (_, { backends }) =>
    (server: Server) =>
      hypervisorName(backends.settings.compute.instanceNameTemplate, server),
}

/** Faults are shown of servers in ERROR or DELETED; details of server errors only to admins. */
async function shownFaults(page: readonly Server[], { backends, context }: Call): Promise<Map<string, ShownFault>> {
  const failed = page.filter((server) => !server.partial && ['ERROR', 'DELETED'].includes(statusOf(server)))
  const out = new Map<string, ShownFault>()
  for (const [uuid, { code, createdAt, message, details }] of await extras.faultsOf(backends, failed)) {
    const shown = { code, created: zulu(createdAt)!, message }
    out.set(uuid, details && (context.isAdmin || code !== 500) ? { ...shown, details } : shown)
  }
  return out
}
