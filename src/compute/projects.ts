/** Projects are Keystone's; Nova only asks whether one is there. */
import type { RequestContext } from '../oslo/context.ts'
import type { Backends } from './backends.ts'
import { Fault } from './faults.ts'

/** Throws when Keystone says that there is no such project, or is not to be found itself. When it does not say, the project is taken to be there. */
export async function verifyProject({ peers }: Backends, context: RequestContext, projectId: string): Promise<void> {
  const answer = await peers.keystone.project(context, projectId)
  if (answer === 'absent') throw new Fault('projectNotFound', projectId)
  if (answer === 'unreachable') throw new Fault('keystoneNotFound')
}
