/** Makes the /v2 endpoint of the v2.1 code: no microversions, neither heard nor told (nova/api/openstack/__init__.py LegacyV2CompatibleWrapper). */
import { dropResponseHeader, type Filter, type Request, type Response } from '../contract.ts'
import { withParts } from '../request.ts'

const versionHeaders = ['openstack-api-version', 'x-openstack-nova-api-version']

/** Sets `environ.legacyV2`, drops the version headers of request and answer, and their names from Vary. */
export const legacyV2Compatible = (): Filter => (app) =>
  async function legacyV2Compatible(request) {
    request.environ.legacyV2 = true
    return withoutVersions(await app(unversioned(request)))
  }

function unversioned(request: Request): Request {
  if (versionHeaders.every((name) => request.headers[name] === undefined)) return request
  const { 'openstack-api-version': _, 'x-openstack-nova-api-version': __, ...headers } = request.headers
  return withParts(request, { headers })
}

function withoutVersions(response: Response): Response {
  for (const name of versionHeaders) dropResponseHeader(response, name)
  // Of several Vary headers the last one alone counts, as upstream does.
  const vary = response.headers.findLast(([name]) => name.toLowerCase() === 'vary')?.[1]
  if (vary === undefined) return response
  const kept = vary
    .split(',')
    .map((name) => name.trim())
    .filter((name) => !versionHeaders.includes(name.toLowerCase()))
  dropResponseHeader(response, 'vary')
  if (kept.length > 0) response.headers.push(['Vary', kept.join(',')])
  return response
}
