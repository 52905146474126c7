/** The server that a route is about, and whose it is. */
import { findServer } from '../../../compute/servers/find.ts'
import type { Server } from '../../../stores/cell/servers.ts'
import type { Call, Target } from '../../spec/operation.ts'

/** Of routes that begin with /servers/:id. */
export const serverOfAction = ({ backends, context, params }: Call): Promise<Server> =>
  findServer(backends, context, params.id!, { ruleFollows: true })

/** Of routes below /servers/:server_id. */
export const serverAbove = ({ backends, context, params }: Call): Promise<Server> =>
  findServer(backends, context, params.server_id!, { ruleFollows: true })

/** For rules that are asked about a server's user as well, where others are asked beside them. */
export const ofOwner = ({ member }: { readonly member: Pick<Server, 'projectId' | 'userId'> }): Target => ({
  project_id: member.projectId,
  user_id: member.userId,
})

/** For rules that are asked about a server's project, but not about its user. */
export const ofProject = ({ member }: { readonly member: { readonly projectId: string | null } }): Target => ({
  project_id: member.projectId,
})
