/** Who asks the services around a cell. */
import { randomUUID } from 'node:crypto'
import { person } from '../../../src/cloud/fixture.ts'
import type { Caller } from '../../../src/cloud/service.ts'
import { adminContext, type RequestContext } from '../../../src/oslo/context.ts'

/** Their names are their tokens. `nova` is what the cell itself is in the network service. */
const people: Readonly<Record<string, Caller>> = {
  nova: person('nova', 'services', ['admin', 'service']),
  ann: person('ann', 'one', ['member', 'reader']),
  root: person('root', 'adm', ['admin', 'member', 'reader']),
}

/** The caller behind a token, for the services around the cell. */
export const authenticate = (token: string): Caller | null => people[token] ?? null

export const contextOf = (name: string, requestId = `req-${randomUUID()}`): RequestContext => {
  const { userId, projectId, roles, isAdmin } = people[name]!
  return {
    ...adminContext(requestId, Date.now()),
    userId,
    userName: name,
    projectId,
    projectName: projectId,
    userDomainId: 'default',
    projectDomainId: 'default',
    roles,
    isAdmin,
    token: name,
  }
}
