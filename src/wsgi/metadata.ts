/**
 * The metadata service: the application that `nova.wsgi.metadata` is. Importing it configures it from OS_NOVA_CONFIG_DIR and OS_NOVA_CONFIG_FILES.
 *
 *     import { application } from 'nova-ts/wsgi/metadata'
 *     http.createServer(application).listen(8775)
 */
import { metadataHandler } from '../api/metadata/handler.ts'
import type { Application } from '../app/contract.ts'
import { sharedFilters } from '../app/middleware/shared.ts'
import { composePaste, mergeRegistries, type Registry } from '../app/paste.ts'
import type { MetadataBackends } from '../compute/metadata/backends.ts'
import { isOwnTemplate } from '../compute/metadata/injected-network.ts'
import { vendordataOptions } from '../compute/metadata/settings.ts'
import { settings } from '../oslo/config/settings.ts'
import { apiDatabaseOptions } from '../oslo/database/options.ts'
import { loadAuth } from '../oslo/keystoneauth/identity.ts'
import { authSettings } from '../oslo/keystoneauth/options.ts'
import { createSession } from '../oslo/keystoneauth/session.ts'
import { cacheOptions, openCache } from '../oslo/memcached/cache.ts'
import { connectPeers } from '../peers/peers.ts'
import { type VendordataServices, vendordataServices } from '../peers/vendordata.ts'
import { failuresTold, serveApplication } from './application.ts'
import { type Configured, clock, configure, openOnlyCell, openStores } from './backends.ts'
import { metadataSettings, peerSettings } from './options.ts'

async function start(): Promise<Application> {
  const configured = await configure('nova-api-metadata')
  const { sources, logs, pasteFile } = configured
  const backends = await connect(configured)
  const handler = metadataHandler({ backends })
  const apps: Registry['apps'] = { 'nova.api.metadata.handler:MetadataRequestHandler.factory': () => handler }
  const log = logs.named('nova.api.wsgi')
  const composed = await composePaste({
    file: pasteFile,
    name: 'metadata',
    registry: mergeRegistries(sharedFilters(sources, logs.named), { filters: {}, apps, composites: {} }),
    log,
  })
  return failuresTold(log)(composed)
}

async function connect(configured: Configured): Promise<MetadataBackends> {
  const { sources, logs } = configured
  const metadata = metadataSettings(sources)
  const log = logs.named('nova.api.metadata.handler')
  const { injectedNetworkTemplate: template } = metadata.network
  if (template && !isOwnTemplate(template))
    log.warning(
      `[DEFAULT] injected_network_template is ${template}, but only Nova's own can be used: guests get no injected network configuration`,
    )
  const peers = connectPeers(peerSettings(sources), { log: logs.named('keystoneauth'), clock })
  return {
    ...(await openCells(configured, metadata.api.localMetadataPerCell)),
    neutron: peers.neutron.own,
    vendordata: connectVendordata(configured),
    settings: metadata,
    cache: openCache(settings(cacheOptions, sources), logs.named('nova.cache_utils')),
    clock,
    log,
  }
}

async function openCells(configured: Configured, onlyOne: boolean): Promise<Pick<MetadataBackends, 'global' | 'main'>> {
  if (onlyOne && !settings(apiDatabaseOptions, configured.sources).connection) {
    const only = await openOnlyCell(configured, 'metadata')
    return { global: null, main: async () => only }
  }
  const { stores, main } = await openStores(configured, 'metadata')
  return { global: onlyOne ? null : { mappings: stores.api.serverMappings, cells: stores.cells }, main }
}

function connectVendordata({ sources, logs }: Configured): VendordataServices {
  const session = settings(vendordataOptions, sources)
  const { api } = metadataSettings(sources)
  const log = logs.named('nova.api.metadata.vendordata_dynamic')
  const auth = authSettings('vendordata_dynamic_auth', sources)
  const known = loadAuth(auth.settings, { group: auth.group, session: createSession({ settings: session, log }), clock })
  if (!known && api.vendordataProviders.includes('DynamicJSON') && api.vendordataDynamicTargets.length > 0)
    log.warning('Passing insecure dynamic vendordata requests because of missing or incorrect service account configuration.')
  return vendordataServices(session, {
    auth: known,
    connectSeconds: api.vendordataDynamicConnectTimeout,
    readSeconds: api.vendordataDynamicReadTimeout,
    cafile: api.vendordataDynamicSslCertfile,
    log,
  })
}

export const application = serveApplication({
  name: 'metadata',
  start,
  report: (error) => process.stderr.write(`metadata: ${error instanceof Error ? error.message : String(error)}\n`),
})

export default { fetch: application.fetch }
