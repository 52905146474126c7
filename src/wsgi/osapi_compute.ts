/**
 * The compute API: the application that `nova.wsgi.osapi_compute` is. Importing it configures it from OS_NOVA_CONFIG_DIR and OS_NOVA_CONFIG_FILES.
 *
 *     import { application } from 'nova-ts/wsgi/osapi_compute'
 *     http.createServer(application).listen(8774)
 */
import { resources } from '../api/compute/index.ts'
import { versionDocument, versionsRoot } from '../api/compute/versions.ts'
import { openApiAt, openApiOptions } from '../api/openapi/serve.ts'
import { createPolicy } from '../api/policy.ts'
import { serve } from '../api/serve/serve.ts'
import type { Application } from '../app/contract.ts'
import { httpError } from '../app/http-error.ts'
import { authTokenFilters } from '../app/middleware/auth-token.ts'
import { keystoneContextFilters } from '../app/middleware/keystone-context.ts'
import { sharedFilters } from '../app/middleware/shared.ts'
import { composePaste, mergeRegistries, type Registry } from '../app/paste.ts'
import { settings } from '../oslo/config/settings.ts'
import { policyOptions } from '../oslo/policy/options.ts'
import { connectPeers } from '../peers/peers.ts'
import { failuresTold, serveApplication } from './application.ts'
import { clock, configure, ids, openNotices, openRpc, openStores } from './backends.ts'
import { computeSettings, peerSettings } from './options.ts'

async function start(): Promise<Application> {
  const configured = await configure('nova-api-os-compute')
  const { sources, logs, directories, pasteFile } = configured
  const { stores, main } = await openStores(configured, 'osapi_compute')
  const policy = createPolicy({ settings: settings(policyOptions, sources), directories, log: logs.named('nova.policy'), clock })
  const peers = connectPeers(peerSettings(sources), { log: logs.named('keystoneauth'), clock })
  const compute = computeSettings(sources)
  const prefix = compute.api.computeLinkPrefix
  const log = logs.named('nova.api.openstack.wsgi')
  const described = openApiAt(settings(openApiOptions, sources), resources)
  const api = serve({
    resources,
    backends: {
      stores,
      main,
      peers,
      rpc: openRpc(configured, stores.cells),
      notifications: openNotices(configured),
      settings: compute,
      clock,
      ids,
      log: logs.named('nova.compute.api'),
    },
    policy,
    settings: compute.api,
    report: (error, context) => log.error('Unexpected exception in API method', { error, ...(context && { context }) }),
    unrouted: (request) => httpError(request, 404, 'Not Found', 'The resource could not be found.'),
  })
  const apps: Registry['apps'] = {
    'nova.api.openstack.compute:APIRouterV21.factory': () => described(api),
    'nova.api.openstack.compute.versions:Versions.factory': () => versionsRoot({ prefix }),
    'nova.api.openstack.compute.versions:VersionsV2.factory': () => versionDocument({ prefix }),
  }
  const wsgiLog = logs.named('nova.api.wsgi')
  const composed = await composePaste({
    file: pasteFile,
    name: 'osapi_compute',
    registry: mergeRegistries(
      sharedFilters(sources, logs.named),
      authTokenFilters({ sources, logger: logs.named, clock }),
      keystoneContextFilters({ isAdmin: policy.isAdmin, clock }),
      { filters: {}, apps, composites: {} },
    ),
    log: wsgiLog,
  })
  return failuresTold(wsgiLog)(composed)
}

export const application = serveApplication({
  name: 'osapi_compute',
  start,
  report: (error) => process.stderr.write(`osapi_compute: ${error instanceof Error ? error.message : String(error)}\n`),
})

export default { fetch: application.fetch }
