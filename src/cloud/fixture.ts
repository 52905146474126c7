/** Who asks the services of the cloud, for the tests beside their code. */
import type { Caller } from './service.ts'

/** Somebody whose name is the token too, and the id. */
export const person = (name: string, projectId: string, roles: readonly string[]): Caller => ({
  token: name,
  userId: name,
  userName: name,
  userDomainId: 'default',
  projectId,
  projectName: projectId,
  projectDomainId: 'default',
  domainId: null,
  systemScope: null,
  roles,
  isAdmin: roles.includes('admin'),
})
