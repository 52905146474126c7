/** The options of nova.conf that decide what guests are told, and whom the metadata service believes. */
import { boolean, group, integer, list, type Settings, text } from '../../oslo/config/options.ts'
import { authOptions, sessionOptions } from '../../oslo/keystoneauth/options.ts'

export const metadataOptions = group('api', {
  metadataCacheExpiration: integer('metadata_cache_expiration', 15, {
    min: 0,
    help: 'Seconds for which what is known of a server is kept; 0 asks anew each time.',
  }),
  localMetadataPerCell: boolean('local_metadata_per_cell', false, {
    help: 'This service serves one cell alone, whose database [database] connection names.',
  }),
  dhcpDomain: text('dhcp_domain', 'novalocal', {
    help: 'Follows the host names of servers; nothing does when it is empty.',
  }),
  vendordataProviders: list('vendordata_providers', ['StaticJSON'], {
    help: 'Where vendor data comes from: a file (StaticJSON), services that are asked (DynamicJSON).',
    choices: ['StaticJSON', 'DynamicJSON'],
  }),
  vendordataJsonfilePath: text('vendordata_jsonfile_path', null, {
    help: 'The file of StaticJSON: one JSON object.',
  }),
  vendordataDynamicTargets: list('vendordata_dynamic_targets', [], {
    help: 'The services of DynamicJSON, each as name@url.',
  }),
  vendordataDynamicSslCertfile: text('vendordata_dynamic_ssl_certfile', '', {
    help: 'Authorities that sign the certificates of these services, as PEM; those of the system when empty.',
  }),
  vendordataDynamicConnectTimeout: integer('vendordata_dynamic_connect_timeout', 5, {
    min: 3,
    help: 'Seconds within which such a service must take the connection.',
  }),
  vendordataDynamicReadTimeout: integer('vendordata_dynamic_read_timeout', 5, {
    min: 0,
    help: 'Seconds within which it must answer then.',
  }),
  vendordataDynamicFailureFatal: boolean('vendordata_dynamic_failure_fatal', false, {
    help: 'A service that fails makes vendor_data2.json fail, instead of being left empty.',
  }),
})

export const metadataProxyOptions = group('neutron', {
  serviceMetadataProxy: boolean('service_metadata_proxy', false, {
    help: "Requests come through Neutron's proxy or a load balancer, which say whose they are; else the address of the sender says it.",
  }),
  metadataProxySharedSecret: text('metadata_proxy_shared_secret', '', {
    help: 'What the proxy signs its word with.',
    secret: true,
  }),
})

export const injectedNetworkOptions = group('DEFAULT', {
  injectedNetworkTemplate: text('injected_network_template', 'nova/virt/interfaces.template', {
    help: "How the network configuration of networks that are marked as injected is written. Only Nova's own template can be used; nothing is written when it is empty.",
  }),
})

/** As whom the services of DynamicJSON are asked. */
export const vendordataOptions = group('vendordata_dynamic_auth', { ...sessionOptions, ...authOptions })

export interface MetadataSettings {
  readonly api: Settings<typeof metadataOptions>
  readonly proxy: Settings<typeof metadataProxyOptions>
  readonly network: Settings<typeof injectedNetworkOptions>
}
