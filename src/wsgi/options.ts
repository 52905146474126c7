/** Everything that the two services read from their configuration. */
import { openApiOptions } from '../api/openapi/serve.ts'
import { sharedFilterOptions } from '../app/middleware/shared.ts'
import {
  injectedNetworkOptions,
  type MetadataSettings,
  metadataOptions,
  metadataProxyOptions,
  vendordataOptions,
} from '../compute/metadata/settings.ts'
import { notificationsOptions } from '../compute/notifications/notifications.ts'
import { upgradeOptions } from '../compute/rpc/pin.ts'
import {
  apiOptions,
  type ComputeSettings,
  cinderOptions,
  computeOptions,
  filterSchedulerOptions,
  glanceOptions,
  limitsWorkarounds,
  neutronOptions,
  pciOptions,
  quotaOptions,
} from '../compute/settings.ts'
import { boolean, group, text } from '../oslo/config/options.ts'
import { settings } from '../oslo/config/settings.ts'
import type { AnyGroup, Sources } from '../oslo/config/sources.ts'
import { apiDatabaseOptions, databaseOptions } from '../oslo/database/options.ts'
import { authSettings } from '../oslo/keystoneauth/options.ts'
import { logOptions } from '../oslo/log.ts'
import { cacheOptions } from '../oslo/memcached/cache.ts'
import { notifierOptions } from '../oslo/messaging/notifier.ts'
import { messagingOptions } from '../oslo/messaging/options.ts'
import { rabbitOptions } from '../oslo/messaging/rabbit/options.ts'
import { policyOptions } from '../oslo/policy/options.ts'
import { type PeerSettings, peerOptions } from '../peers/peers.ts'

export const serviceOptions = group('DEFAULT', {
  host: text('host', null, { help: 'Name of this host in the services table; its host name when unset.' }),
  statePath: text('state_path', '/var/lib/nova', { help: 'Directory for what is kept; other options refer to it.' }),
  myIp: text('my_ip', '127.0.0.1', { help: 'Address of this host; other options refer to it.' }),
})

export const workaroundsOptions = group('workarounds', {
  disableComputeServiceCheckForFfu: boolean('disable_compute_service_check_for_ffu', false, {
    help: 'Start although some compute services are too old for this release.',
  }),
})

/** For `$name` in values, and for the reference of options. */
export const declared = [
  serviceOptions,
  workaroundsOptions,
  computeOptions,
  apiOptions,
  quotaOptions,
  cinderOptions,
  glanceOptions,
  limitsWorkarounds,
  neutronOptions,
  pciOptions,
  filterSchedulerOptions,
  metadataOptions,
  metadataProxyOptions,
  injectedNetworkOptions,
  vendordataOptions,
  cacheOptions,
  apiDatabaseOptions,
  databaseOptions,
  logOptions,
  messagingOptions,
  openApiOptions,
  notifierOptions,
  notificationsOptions,
  rabbitOptions,
  upgradeOptions,
  policyOptions,
  ...Object.values(peerOptions),
  ...sharedFilterOptions,
] as unknown as readonly AnyGroup[]

export const computeSettings = (sources: Sources): ComputeSettings => ({
  compute: settings(computeOptions, sources),
  api: settings(apiOptions, sources),
  quota: settings(quotaOptions, sources),
  workarounds: settings(limitsWorkarounds, sources),
  cinder: settings(cinderOptions, sources),
  glance: settings(glanceOptions, sources),
  neutron: settings(neutronOptions, sources),
  pci: settings(pciOptions, sources),
  filterScheduler: settings(filterSchedulerOptions, sources),
})

export const metadataSettings = (sources: Sources): MetadataSettings => ({
  api: settings(metadataOptions, sources),
  proxy: settings(metadataProxyOptions, sources),
  network: settings(injectedNetworkOptions, sources),
})

export const peerSettings = (sources: Sources): PeerSettings =>
  Object.fromEntries(
    Object.entries(peerOptions).map(([name, options]) => {
      const own = settings(options as AnyGroup, sources)
      // the address of a service, its certificates and its timeout stay those of its own group
      return [name, 'authType' in own ? { ...own, ...authSettings(options.group, sources).settings } : own]
    }),
  ) as unknown as PeerSettings
