/** The version documents of the identity service. */
import { type Call, type OpenRoutes, reply } from '../service.ts'

/** The version that Keystone 2026.1 says it is (keystone/api/discovery.py). */
const version = (call: Call) => ({
  id: 'v3.14',
  status: 'stable',
  updated: '2020-04-07T00:00:00Z',
  links: [{ rel: 'self', href: `${call.baseUrl}/v3/` }],
  'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.identity-v3+json' }],
})

export const versionRoutes: OpenRoutes = {
  // 300, not 200: nothing is chosen yet.
  'GET /': (call) => reply(300, { versions: { values: [version(call)] } }, [['Location', `${call.baseUrl}/v3/`]]),
  'GET /v3': (call) => ({ version: version(call) }),
}
