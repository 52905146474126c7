/** What Nova asks of Keystone beyond tokens. */
import type { RequestContext } from '../oslo/context.ts'
import { PeerError } from '../oslo/keystoneauth/errors.ts'
import type { PeerService } from './service.ts'

export interface Keystone {
  /** Whether a project is there: `unknown` when Keystone does not tell the caller, `unreachable` when the catalogue does not name it. */
  project(context: RequestContext, projectId: string): Promise<'present' | 'absent' | 'unknown' | 'unreachable'>
}

export const keystone = (service: PeerService): Keystone => ({
  async project(context, projectId) {
    try {
      const session = service.as(context)
      const base = (await session.endpoint()).replace(/\/v3$/, '')
      const { status } = await session.request({ url: `${base}/v3/projects/${encodeURIComponent(projectId)}`, allow: 'all' })
      return status < 300 ? 'present' : status === 404 ? 'absent' : 'unknown'
    } catch (error) {
      if (!(error instanceof PeerError)) throw error
      // nova/api/openstack/identity.py: whatever else goes wrong, the project is taken to be there
      return error.kind === 'endpoint' ? 'unreachable' : 'unknown'
    }
  },
})
