/** Serves the OpenAPI document of the microversion that a request asks for, where [nova_ts] openapi_path says so. */
import { type Application, type Filter, hostUrl, json } from '../../app/contract.ts'
import { Fault } from '../../compute/faults.ts'
import { group, type Settings, text } from '../../oslo/config/options.ts'
import { faultResponse, statusOf } from '../serve/faults.ts'
import { askedVersion, refuseUnserved, versionHeaders } from '../serve/microversion.ts'
import type { Resource } from '../spec/operation.ts'
import { openApi } from './document.ts'

export const openApiOptions = group('nova_ts', {
  openapiPath: text('openapi_path', null, {
    help: 'Path below the endpoint, such as /openapi.json, at which the API describes itself; nowhere when unset.',
  }),
})

export function openApiAt({ openapiPath: path }: Settings<typeof openApiOptions>, resources: readonly Resource[]): Filter {
  if (!path) return (app: Application) => app
  const made = new Map<number, Record<string, unknown>>()
  return (app) =>
    async function openApiDocument(request) {
      if (request.path !== path || request.method !== 'GET') return app(request)
      try {
        const asked = askedVersion(request)
        refuseUnserved(asked)
        const server = `${hostUrl(request)}${request.scriptName}`
        let document = made.get(asked.minor)
        if (!document) made.set(asked.minor, (document = openApi(resources, asked.minor)))
        return json(200, { ...document, servers: [{ url: server }] }, versionHeaders(asked.text))
      } catch (error) {
        if (!(error instanceof Fault)) throw error
        return faultResponse({ status: statusOf(error.kind), message: error.message })
      }
    }
}
