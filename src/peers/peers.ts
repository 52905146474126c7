/** The other services that Nova talks to, connected as the groups of nova.conf say. */
import { group, integer, list, type Settings, text } from '../oslo/config/options.ts'
import { authOptions, type ServiceSettings, serviceOptions, sessionOptions } from '../oslo/keystoneauth/options.ts'
import { loadServiceUser, serviceUserOptions } from '../oslo/keystoneauth/service-user.ts'
import { createSession } from '../oslo/keystoneauth/session.ts'
import type { Log } from '../oslo/log.ts'
import { type Cinder, cinder } from './cinder.ts'
import { type Glance, glance } from './glance.ts'
import { type Ironic, ironic } from './ironic.ts'
import { type Keystone, keystone } from './keystone.ts'
import { type KeystoneLimits, keystoneLimits, limitsEndpointOptions } from './limits.ts'
import { type Manila, manila } from './manila.ts'
import { type Neutron, neutron } from './neutron.ts'
import { type Placement, placement } from './placement.ts'
import { type HostPlacement, hostPlacement } from './placement-hosts.ts'
import { connectPeer } from './service.ts'

export interface Peers {
  readonly keystone: Keystone
  readonly glance: Glance
  readonly neutron: Neutron
  readonly cinder: Cinder
  readonly placement: Placement
  readonly manila: Manila
  readonly ironic: Ironic
  readonly limits: KeystoneLimits
  close(): Promise<void>
}

export const peerOptions = {
  keystone: group('keystone', { ...sessionOptions, ...authOptions, ...serviceOptions('identity') }),
  glance: group('glance', {
    ...sessionOptions,
    ...serviceOptions('image'),
    apiServers: list('api_servers', [], { help: 'Addresses of Glance to use instead of the catalogue.' }),
    numRetries: integer('num_retries', 3, {
      min: 0,
      help: 'How often to try again, a second later each time, when it cannot be reached or answers 503.',
    }),
  }),
  neutron: group('neutron', {
    ...sessionOptions,
    ...authOptions,
    ...serviceOptions('network'),
    extensionSyncInterval: integer('extension_sync_interval', 600, { min: 0, help: 'Seconds between questions for its extensions.' }),
    httpRetries: integer('http_retries', 3, { min: 0, help: 'How often to try again when it cannot be reached.' }),
  }),
  cinder: group('cinder', {
    ...sessionOptions,
    ...authOptions,
    catalogInfo: text('catalog_info', 'volumev3::publicURL', {
      pattern: /^[\w-]+:\w*:.*$/,
      help: 'Where the catalogue has Cinder: type, name (may be empty) and interface of the endpoint.',
    }),
    endpointTemplate: text('endpoint_template', null, {
      help: 'Address of Cinder instead of the one in the catalogue; %(project_id)s is filled in.',
    }),
    osRegionName: text('os_region_name', null, { help: 'Region of its endpoint.' }),
    httpRetries: integer('http_retries', 3, { min: 0, help: 'How often to try again when it cannot be reached.' }),
  }),
  placement: group('placement', { ...sessionOptions, ...authOptions, ...serviceOptions('placement') }),
  manila: group('manila', { ...sessionOptions, ...authOptions, ...serviceOptions('shared-file-system') }),
  osloLimit: group('oslo_limit', { ...sessionOptions, ...authOptions, ...serviceOptions('identity'), ...limitsEndpointOptions }),
  ironic: group('ironic', { ...sessionOptions, ...authOptions, ...serviceOptions('baremetal') }),
  serviceUser: serviceUserOptions,
}

export type PeerSettings = { readonly [K in keyof typeof peerOptions]: Settings<(typeof peerOptions)[K]> }

/** What the hosts of a cell have beside. */
export interface ConnectedPeers extends Peers {
  /** Placement, as hosts use it. */
  readonly hostPlacement: HostPlacement
}

export function connectPeers(settings: PeerSettings, { log, clock }: { log: Log; clock: { now(): number } }): ConnectedPeers {
  const { serviceUser } = settings
  const serviceSession = createSession({ settings: serviceUser, log })
  const serviceAuth = loadServiceUser(serviceUser, { session: serviceSession, clock, log })
  const parts = { log, clock, serviceAuth }
  const services = {
    keystone: connectPeer('keystone', settings.keystone, parts),
    glance: connectPeer('glance', { ...settings.glance, ...glanceRetries(settings.glance) }, parts),
    neutron: connectPeer(
      'neutron',
      { ...settings.neutron, connectRetries: settings.neutron.connectRetries ?? settings.neutron.httpRetries },
      parts,
    ),
    cinder: connectPeer('cinder', { ...settings.cinder, ...cinderService(settings.cinder) }, parts),
    placement: connectPeer('placement', settings.placement, parts),
    manila: connectPeer('manila', settings.manila, parts),
    ironic: connectPeer('ironic', settings.ironic, parts),
    limits: connectPeer('oslo_limit', settings.osloLimit, parts),
  }
  return {
    keystone: keystone(services.keystone),
    glance: glance(services.glance, { servers: settings.glance.apiServers }),
    neutron: neutron(services.neutron, { clock, extensionSeconds: settings.neutron.extensionSyncInterval }),
    cinder: cinder(services.cinder),
    placement: placement(services.placement),
    hostPlacement: hostPlacement(services.placement),
    manila: manila(services.manila),
    limits: keystoneLimits(services.limits, settings.osloLimit),
    ironic: ironic(services.ironic, { configured: settings.ironic.authType !== null }),
    close: async () => {
      await Promise.all([serviceSession.close(), ...Object.values(services).map((service) => service.close())])
    },
  }
}

/** nova/image/glance.py GlanceClientWrapper.call; what keystoneauth's own options say counts before. */
const glanceRetries = ({
  numRetries,
  connectRetries,
  connectRetryDelay,
  statusCodeRetries,
  statusCodeRetryDelay,
}: PeerSettings['glance']) => ({
  connectRetries: connectRetries ?? numRetries,
  connectRetryDelay: connectRetryDelay ?? 1,
  statusCodeRetries: statusCodeRetries ?? numRetries,
  statusCodeRetryDelay: statusCodeRetryDelay ?? 1,
})

/** [cinder] says in options of its own what other groups say in those of keystoneauth. */
function cinderService({ catalogInfo, endpointTemplate, osRegionName, httpRetries }: PeerSettings['cinder']): ServiceSettings {
  const [serviceType = '', serviceName = '', interfaceName = ''] = catalogInfo.split(':')
  return {
    serviceType,
    serviceName: serviceName || null,
    validInterfaces: [interfaceName.replace(/URL$/, '')],
    regionName: osRegionName,
    endpointOverride: endpointTemplate,
    connectRetries: httpRetries,
    connectRetryDelay: null,
    statusCodeRetries: null,
    statusCodeRetryDelay: null,
    retriableStatusCodes: [],
  }
}
