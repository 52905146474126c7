/** The configuration of Nova's services in the embedded cloud: the files that an operator would write. */
import { controller, type Place, region, urlOf } from './places.ts'
import type { Secrets, UserName } from './secrets.ts'
import type { Layout } from './state.ts'

export const databaseUrl = (layout: Layout, name: string): string => `sqlite:///${layout.database(name)}`
/** The message broker of a cell; the first one's is that of the APIs too. */
export const transportUrl = (layout: Layout, cell = 1): string => `local://${layout.cellMessages(cell)}`

/** nova.conf. It holds passwords. */
export function novaConf(place: Place, layout: Layout, { passwords, metadataSecret }: Secrets): string {
  const login = (user: UserName) => ({
    auth_type: 'password',
    auth_url: urlOf(place, 'identity'),
    username: user,
    password: passwords[user],
    user_domain_name: 'Default',
    project_name: 'service',
    project_domain_name: 'Default',
    region_name: region,
  })
  // [cinder] and [service_user] have no region_name
  const { region_name: _, ...nova } = login('nova')
  return ini('Written at every start of the cloud; local.conf beside it is yours. Variables such as OS_DEFAULT__DEBUG=true are heard.', {
    DEFAULT: {
      host: controller,
      state_path: layout.cell,
      transport_url: transportUrl(layout),
      allow_resize_to_same_host: true,
    },
    api_database: { connection: databaseUrl(layout, 'nova_api') },
    database: { connection: databaseUrl(layout, 'nova') },
    keystone_authtoken: {
      ...login('nova'),
      www_authenticate_uri: urlOf(place, 'identity'),
      service_token_roles: 'service',
      service_token_roles_required: true,
    },
    service_user: { ...nova, send_service_user_token: true },
    keystone: login('nova'),
    glance: { region_name: region },
    neutron: { ...login('neutron'), service_metadata_proxy: true, metadata_proxy_shared_secret: metadataSecret },
    cinder: { ...nova, os_region_name: region },
    placement: login('placement'),
    // For [quota] driver = nova.quota.UnifiedLimitsDriver
    oslo_limit: { ...login('nova'), endpoint_service_type: 'compute', endpoint_region_name: region },
    oslo_policy: { policy_file: layout.policyFile, policy_dirs: layout.policyDirectory },
  })
}

/** `$` begins a substitution in oslo.config's language. */
function ini(comment: string, groups: Readonly<Record<string, Readonly<Record<string, string | boolean>>>>): string {
  const sections = Object.entries(groups).map(([group, values]) =>
    [`[${group}]`, ...Object.entries(values).map(([name, value]) => `${name} = ${String(value).replaceAll('$', '$$$$')}`)].join('\n'),
  )
  return `# ${comment}\n\n${sections.join('\n\n')}\n`
}

/** Filters before the routes of the API, outermost first; `+` stands for what the legacy endpoint adds. */
const apiFilters = 'cors http_proxy_to_wsgi compute_req_id faultwrap request_log sizelimit osprofiler authtoken keystonecontext + routes'

const factories = {
  cors: 'oslo_middleware.cors:filter_factory',
  http_proxy_to_wsgi: 'oslo_middleware.http_proxy_to_wsgi:HTTPProxyToWSGI.factory',
  compute_req_id: 'nova.api.compute_req_id:ComputeReqIdMiddleware.factory',
  faultwrap: 'nova.api.openstack:FaultWrapper.factory',
  request_log: 'nova.api.openstack.requestlog:RequestLog.factory',
  sizelimit: 'oslo_middleware:RequestBodySizeLimiter.factory',
  osprofiler: 'nova.profiler:WsgiMiddleware.factory',
  authtoken: 'keystonemiddleware.auth_token:filter_factory',
  keystonecontext: 'nova.api.auth:NovaKeystoneContext.factory',
  legacy_v2_compatible: 'nova.api.openstack:LegacyV2CompatibleWrapper.factory',
}

const apps = {
  routes: 'nova.api.openstack.compute:APIRouterV21.factory',
  versions: 'nova.api.openstack.compute.versions:Versions.factory',
  version: 'nova.api.openstack.compute.versions:VersionsV2.factory',
  metadata_routes: 'nova.api.metadata.handler:MetadataRequestHandler.factory',
}

/** api-paste.ini: what Nova 33 composes, of the same factories in the same order (etc/nova/api-paste.ini of 33.0.2). */
export function apiPaste(): string {
  const pipeline = (filters: string, legacy = false) => filters.replace('+ ', legacy ? 'legacy_v2_compatible ' : '')
  const sections: Record<string, Record<string, string>> = {
    'composite:osapi_compute': {
      use: 'call:nova.api.openstack.urlmap:urlmap_factory',
      '/': 'all_versions',
      '/v2.1': 'version_v21',
      '/v2.1/+': 'api_v21',
      '/v2': 'version_v2',
      '/v2/+': 'api_v2',
    },
    'composite:api_v21': { use: 'call:nova.api.auth:pipeline_factory_v21', keystone: pipeline(apiFilters) },
    'composite:api_v2': { use: 'call:nova.api.auth:pipeline_factory_v21', keystone: pipeline(apiFilters, true) },
    'pipeline:all_versions': { pipeline: 'cors faultwrap request_log http_proxy_to_wsgi versions' },
    'pipeline:version_v21': { pipeline: 'cors compute_req_id faultwrap request_log http_proxy_to_wsgi version' },
    'pipeline:version_v2': { pipeline: 'cors compute_req_id faultwrap request_log http_proxy_to_wsgi legacy_v2_compatible version' },
    'composite:metadata': { use: 'egg:Paste#urlmap', '/': 'metadata_api' },
    'pipeline:metadata_api': { pipeline: 'cors http_proxy_to_wsgi metadata_routes' },
  }
  for (const [name, factory] of Object.entries(apps)) sections[`app:${name}`] = { 'paste.app_factory': factory }
  for (const [name, factory] of Object.entries(factories))
    sections[`filter:${name}`] = { 'paste.filter_factory': factory, ...(name === 'cors' && { oslo_config_project: 'nova' }) }
  const text = Object.entries(sections).map(([name, values]) =>
    [`[${name}]`, ...Object.entries(values).map(([key, value]) => `${key}${key.startsWith('/') ? ':' : ' ='} ${value}`)].join('\n'),
  )
  return `# Written at every start of the cloud: what is changed here is lost.\n\n${text.join('\n\n')}\n`
}
