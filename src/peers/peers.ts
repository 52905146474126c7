/** The other services that Nova talks to, connected as the groups of nova.conf say. */
import { boolean, group, integer, list, type Settings } from '../oslo/config/options.ts'
import { loadAuth } from '../oslo/keystoneauth/identity.ts'
import { authOptions, serviceOptions, sessionOptions } from '../oslo/keystoneauth/options.ts'
import { createSession } from '../oslo/keystoneauth/session.ts'
import type { Log } from '../oslo/log.ts'
import { type Glance, glance } from './glance.ts'
import { type Keystone, keystone } from './keystone.ts'
import { type Neutron, neutron } from './neutron.ts'
import { connectPeer } from './service.ts'

export interface Peers {
  readonly keystone: Keystone
  readonly glance: Glance
  readonly neutron: Neutron
  close(): Promise<void>
}

export const peerOptions = {
  keystone: group('keystone', { ...sessionOptions, ...authOptions, ...serviceOptions('identity') }),
  glance: group('glance', {
    ...sessionOptions,
    ...serviceOptions('image'),
    apiServers: list('api_servers', [], { help: 'Addresses of Glance to use instead of the catalogue.' }),
  }),
  neutron: group('neutron', {
    ...sessionOptions,
    ...authOptions,
    ...serviceOptions('network'),
    extensionSyncInterval: integer('extension_sync_interval', 600, { min: 0, help: 'Seconds between questions for its extensions.' }),
    httpRetries: integer('http_retries', 3, { min: 0, help: 'How often to try again when it cannot be reached.' }),
  }),
  serviceUser: group('service_user', {
    ...sessionOptions,
    ...authOptions,
    sendServiceUserToken: boolean('send_service_user_token', false, {
      help: "Send our own token along with the caller's, so that long operations outlive it.",
    }),
  }),
}

export type PeerSettings = { readonly [K in keyof typeof peerOptions]: Settings<(typeof peerOptions)[K]> }

export function connectPeers(settings: PeerSettings, { log, clock }: { log: Log; clock: { now(): number } }): Peers {
  const { serviceUser } = settings
  const serviceSession = createSession({ settings: serviceUser, log })
  const serviceAuth =
    serviceUser.sendServiceUserToken && serviceUser.authType
      ? loadAuth(serviceUser, { group: 'service_user', session: serviceSession, clock })
      : null
  const parts = { log, clock, serviceAuth }
  const services = {
    keystone: connectPeer('keystone', settings.keystone, parts),
    glance: connectPeer('glance', settings.glance, parts),
    neutron: connectPeer(
      'neutron',
      { ...settings.neutron, connectRetries: settings.neutron.connectRetries ?? settings.neutron.httpRetries },
      parts,
    ),
  }
  return {
    keystone: keystone(services.keystone),
    glance: glance(services.glance, { servers: settings.glance.apiServers }),
    neutron: neutron(services.neutron, { clock, extensionSeconds: settings.neutron.extensionSyncInterval }),
    close: async () => {
      await Promise.all([serviceSession.close(), ...Object.values(services).map((service) => service.close())])
    },
  }
}
