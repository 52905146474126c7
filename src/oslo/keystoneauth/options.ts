/**
 * The options that every group of nova.conf which names another service has in common: how to connect (session), as whom (auth), where to (service).
 *
 *     export const placementOptions = group('placement', { ...sessionOptions, ...authOptions, ...serviceOptions('placement'), … })
 */
import { boolean, choice, float, group, integer, list, type OptionGroup, type Settings, text } from '../config/options.ts'
import { type Overrides, settings } from '../config/settings.ts'
import type { Sources } from '../config/sources.ts'

/** keystoneauth1/loading/session.py */
export const sessionOptions = {
  cafile: text('cafile', null, { help: 'Authorities that sign the certificates of servers, as PEM; those of the system when unset.' }),
  certfile: text('certfile', null, { help: 'Certificate to present, as PEM.' }),
  keyfile: text('keyfile', null, { help: 'Key of that certificate, as PEM.' }),
  insecure: boolean('insecure', false, { help: 'Do not verify the certificates of servers.' }),
  timeout: float('timeout', null, { help: 'Seconds that one attempt at a request may take.' }),
  collectTiming: boolean('collect_timing', false, {
    help: 'Has no effect: requests are not timed one by one.',
    deprecated: ['collect-timing'],
  }),
  splitLoggers: boolean('split_loggers', false, {
    help: 'Has no effect: requests are not logged one by one.',
    deprecated: ['split-loggers'],
  }),
  tlsCiphers: text('tls_ciphers', null, { help: 'Ciphers that connections may use, in the form of OpenSSL.', deprecated: ['tls-ciphers'] }),
  tlsMinVersion: choice('tls_min_version', ['1.2', '1.3'], null, { help: 'Oldest TLS that is spoken.', deprecated: ['tls-min-version'] }),
}

/** keystoneauth1/loading: what the plugins need that `auth_type` may name. */
export const authOptions = {
  authType: text('auth_type', null, {
    help: 'How to prove who asks: password, v3password, v3applicationcredential, token, v3token, admin_token, none.',
    deprecated: ['auth_plugin'],
  }),
  authSection: text('auth_section', null, { help: 'Another group of this file that holds these options instead.' }),
  authUrl: text('auth_url', null, { help: 'Address of Keystone, with or without /v3.', deprecated: ['auth-url'] }),
  systemScope: text('system_scope', null, { help: 'Set to "all" to act on the system.', deprecated: ['system-scope'] }),
  domainId: text('domain_id', null, { help: 'Domain to act on, by id.', deprecated: ['domain-id'] }),
  domainName: text('domain_name', null, { help: 'Domain to act on, by name.', deprecated: ['domain-name'] }),
  projectId: text('project_id', null, { help: 'Project to act in, by id.', deprecated: ['project-id', 'tenant_id', 'tenant-id'] }),
  projectName: text('project_name', null, {
    help: 'Project to act in, by name.',
    deprecated: ['project-name', 'tenant_name', 'tenant-name'],
  }),
  projectDomainId: text('project_domain_id', null, { help: 'Domain of that project, by id.', deprecated: ['project-domain-id'] }),
  projectDomainName: text('project_domain_name', null, { help: 'Domain of that project, by name.', deprecated: ['project-domain-name'] }),
  defaultDomainId: text('default_domain_id', null, {
    help: 'Domain of user and project where none is set, by id.',
    deprecated: ['default-domain-id'],
  }),
  defaultDomainName: text('default_domain_name', null, {
    help: 'Domain of user and project where none is set, by name.',
    deprecated: ['default-domain-name'],
  }),
  userId: text('user_id', null, { help: 'User, by id.', deprecated: ['user-id'] }),
  username: text('username', null, { help: 'User, by name.', deprecated: ['user_name', 'user-name'] }),
  userDomainId: text('user_domain_id', null, { help: 'Domain of that user, by id.', deprecated: ['user-domain-id'] }),
  userDomainName: text('user_domain_name', null, { help: 'Domain of that user, by name.', deprecated: ['user-domain-name'] }),
  password: text('password', null, { help: 'Password of that user.', secret: true }),
  token: text('token', null, { help: 'Token to start from.', secret: true }),
  applicationCredentialId: text('application_credential_id', null, {
    help: 'Application credential, by id.',
    deprecated: ['application-credential-id'],
  }),
  applicationCredentialName: text('application_credential_name', null, {
    help: "Application credential, by the user's name for it.",
    deprecated: ['application-credential-name'],
  }),
  applicationCredentialSecret: text('application_credential_secret', null, {
    help: 'Secret of the application credential.',
    deprecated: ['application-credential-secret'],
    secret: true,
  }),
  endpoint: text('endpoint', null, { help: 'Address that is always used, for auth_type none and admin_token.' }),
}

/** keystoneauth1/loading/adapter.py with Nova's defaults (nova/conf/utils.py get_ksa_adapter_opts). */
export const serviceOptions = (serviceType: string) => ({
  serviceType: text('service_type', serviceType, { help: 'Type of the service in the catalogue.', deprecated: ['service-type'] }),
  serviceName: text('service_name', null, { help: 'Name of the service in the catalogue.', deprecated: ['service-name'] }),
  validInterfaces: list('valid_interfaces', ['internal', 'public'], {
    help: 'Interfaces of its endpoints that may be used, best first.',
    choices: ['public', 'internal', 'admin'],
    deprecated: ['valid-interfaces'],
  }),
  regionName: text('region_name', null, { help: 'Region of its endpoint.', deprecated: ['region-name'] }),
  endpointOverride: text('endpoint_override', null, {
    help: 'Address to use instead of what the catalogue says, without a version.',
    deprecated: ['endpoint-override'],
  }),
  connectRetries: integer('connect_retries', null, {
    help: 'How often to try again when the service cannot be reached.',
    deprecated: ['connect-retries'],
  }),
  connectRetryDelay: float('connect_retry_delay', null, {
    help: 'Seconds between these attempts; when unset 0.5, then twice as long each time up to 60.',
    deprecated: ['connect-retry-delay'],
  }),
  statusCodeRetries: integer('status_code_retries', null, {
    help: 'How often to try again after one of retriable_status_codes.',
    deprecated: ['status-code-retries'],
  }),
  statusCodeRetryDelay: float('status_code_retry_delay', null, {
    help: 'Seconds between these attempts; when unset 0.5, then twice as long each time up to 60.',
    deprecated: ['status-code-retry-delay'],
  }),
  retriableStatusCodes: list('retriable_status_codes', [], {
    help: 'Statuses after which to try again; 503 when unset.',
    deprecated: ['retriable-status-codes'],
  }),
})

export type SessionSettings = Settings<OptionGroup<typeof sessionOptions>>
export type AuthSettings = Settings<OptionGroup<typeof authOptions>>
export type ServiceSettings = Settings<OptionGroup<ReturnType<typeof serviceOptions>>>

/** The auth options of a group, or of the group that its `auth_section` names instead. */
export function authSettings(name: string, sources: Sources, overrides?: Overrides): { group: string; settings: AuthSettings } {
  const own = settings(group(name, authOptions), sources, overrides)
  const section = own.authSection || name
  return { group: section, settings: section === name ? own : settings(group(section, authOptions), sources, overrides) }
}
