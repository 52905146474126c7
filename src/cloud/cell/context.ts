/** On whose behalf something is done when nobody asked for it at this moment. */
import type { RequestContext } from '../../oslo/context.ts'

/** nova/context.py get_admin_context */
export const adminContext = (requestId: string): RequestContext => ({
  userId: null,
  userName: null,
  projectId: null,
  projectName: null,
  domainId: null,
  domainName: null,
  userDomainId: null,
  projectDomainId: null,
  systemScope: null,
  roles: [],
  isAdmin: true,
  isAdminProject: true,
  token: null,
  serviceToken: null,
  serviceUserId: null,
  serviceProjectId: null,
  serviceRoles: [],
  catalog: [],
  requestId,
  globalRequestId: null,
  remoteAddress: null,
  timestamp: new Date(0).toISOString().slice(0, 23),
  readDeleted: 'no',
})
