/** The [keystone_authtoken] options of nova.conf, some of which a paste file may set too (keystonemiddleware/auth_token/_opts.py). */
import { boolean, choice, group, integer, list, type Settings, text } from '../../oslo/config/options.ts'
import { authOptions } from '../../oslo/keystoneauth/options.ts'

const noEffect = 'Has no effect.'

export const authTokenOptions = group('keystone_authtoken', {
  ...authOptions,
  wwwAuthenticateUri: text('www_authenticate_uri', null, { help: 'Address of Keystone that callers are told, when they are refused.' }),
  authVersion: text('auth_version', null, { help: 'Has no effect: version 3 is spoken.' }),
  interface: text('interface', 'internal', { help: 'Interface of Keystone that tokens are validated at: internal, public or admin.' }),
  delayAuthDecision: boolean('delay_auth_decision', false, {
    help: 'Let requests without a valid token pass, marked as such, for what is behind to decide.',
  }),
  httpConnectTimeout: integer('http_connect_timeout', null, {
    min: 1,
    help: 'Seconds that one attempt to reach Keystone may take; 60 when unset.',
  }),
  httpRequestMaxRetries: integer('http_request_max_retries', 3, {
    min: 0,
    help: 'How often to try again when Keystone cannot be reached.',
  }),
  cache: text('cache', null, { help: noEffect }),
  certfile: text('certfile', null, { help: 'Certificate to present to Keystone, as PEM.' }),
  keyfile: text('keyfile', null, { help: 'Key of that certificate, as PEM.' }),
  cafile: text('cafile', null, { help: "Authorities that sign Keystone's certificate, as PEM; those of the system when unset." }),
  insecure: boolean('insecure', false, { help: "Do not verify Keystone's certificate." }),
  regionName: text('region_name', null, { help: 'Region of the Keystone that tokens are validated at.' }),
  memcachedServers: list('memcached_servers', [], {
    help: 'Caches that share what Keystone said of tokens; this process alone remembers it when there are none.',
    deprecated: ['memcache_servers'],
  }),
  tokenCacheTime: integer('token_cache_time', 300, {
    help: 'Seconds for which a validated token is not asked about again; 0 until it expires, -1 not at all.',
  }),
  memcacheSecurityStrategy: choice('memcache_security_strategy', ['None', 'MAC', 'ENCRYPT'], 'None', {
    ignoreCase: true,
    help: 'Sign, or sign and encrypt, what is in those caches.',
  }),
  memcacheSecretKey: text('memcache_secret_key', null, { secret: true, help: 'What the keys for that are made of.' }),
  memcacheTlsEnabled: boolean('memcache_tls_enabled', false, { help: 'Speak TLS to them.' }),
  memcacheTlsCafile: text('memcache_tls_cafile', null, { help: 'Authorities that sign their certificates, as PEM.' }),
  memcacheTlsCertfile: text('memcache_tls_certfile', null, { help: 'Certificate to present to them, as PEM.' }),
  memcacheTlsKeyfile: text('memcache_tls_keyfile', null, { help: 'Key of that certificate, as PEM.' }),
  memcacheTlsAllowedCiphers: text('memcache_tls_allowed_ciphers', null, { help: 'Ciphers that may be used.' }),
  memcachePoolDeadRetry: integer('memcache_pool_dead_retry', 300, { help: 'Seconds for which one that failed is left alone.' }),
  memcachePoolMaxsize: integer('memcache_pool_maxsize', 10, { help: noEffect }),
  memcachePoolSocketTimeout: integer('memcache_pool_socket_timeout', 3, { help: 'Seconds in which one has to answer.' }),
  memcachePoolUnusedTimeout: integer('memcache_pool_unused_timeout', 60, { help: noEffect }),
  memcachePoolConnGetTimeout: integer('memcache_pool_conn_get_timeout', 10, { help: noEffect }),
  memcacheUseAdvancedPool: boolean('memcache_use_advanced_pool', true, { help: noEffect }),
  memcacheSaslEnabled: boolean('memcache_sasl_enabled', false, { help: 'Not supported: with it tokens are cached in this process alone.' }),
  memcacheUsername: text('memcache_username', null, { help: noEffect }),
  memcachePassword: text('memcache_password', null, { secret: true, help: noEffect }),
  includeServiceCatalog: boolean('include_service_catalog', true, { help: 'Ask Keystone for the catalogue of a token and hand it on.' }),
  enforceTokenBind: text('enforce_token_bind', 'permissive', {
    help: 'What to do with tokens that are bound to something: disabled, permissive, strict, required, or the name of a binding.',
  }),
  serviceTokenRoles: list('service_token_roles', ['service'], {
    help: 'Roles of which a service token needs one, to be believed and to vouch for a token that has expired.',
  }),
  serviceTokenRolesRequired: boolean('service_token_roles_required', true, {
    help: 'Refuse service tokens without such a role. If false, any valid token passes for one: not recommended.',
  }),
  serviceType: text('service_type', null, {
    help: 'The type of this service in the catalogue, to check application credentials with access rules.',
  }),
})

export type AuthTokenSettings = Settings<typeof authTokenOptions>
