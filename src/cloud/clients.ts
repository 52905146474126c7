/** What clients are given: shell exports and clouds.yaml. */
import { type Place, region, urlOf } from './places.ts'
import type { Secrets, UserName } from './secrets.ts'

interface Login {
  readonly user: UserName
  /** A project, or `system` for the whole of it. */
  readonly on: { readonly project: string } | 'system'
}

/** The clouds of clouds.yaml, named as DevStack names them. */
const logins = {
  devstack: { user: 'demo', on: { project: 'demo' } },
  'devstack-manager': { user: 'demo_manager', on: { project: 'demo' } },
  'devstack-reader': { user: 'demo_reader', on: { project: 'demo' } },
  'devstack-alt': { user: 'alt_demo', on: { project: 'alt_demo' } },
  'devstack-admin': { user: 'admin', on: { project: 'admin' } },
  'devstack-admin-demo': { user: 'admin', on: { project: 'demo' } },
  'devstack-system-admin': { user: 'admin', on: 'system' },
} as const satisfies Record<string, Login>

export type CloudName = keyof typeof logins

export const cloudNames = Object.keys(logins) as CloudName[]

/** A file for openstacksdk and what is built on it. It holds passwords. */
export function cloudsYaml(place: Place, { passwords }: Secrets): string {
  const clouds = Object.entries<Login>(logins).map(([name, { user, on }]) => {
    const scope = on === 'system' ? ['system_scope: all'] : [`project_name: ${on.project}`, 'project_domain_id: default']
    const auth = [
      `auth_url: ${urlOf(place, 'identity')}`,
      `username: ${user}`,
      `password: ${JSON.stringify(passwords[user])}`,
      'user_domain_id: default',
      ...scope,
    ]
    return [
      `  ${name}:`,
      '    auth:',
      ...auth.map((line) => `      ${line}`),
      `    region_name: ${region}`,
      "    identity_api_version: '3'",
    ]
  })
  return `${['clouds:', ...clouds.flat()].join('\n')}\n`
}

/** Variables that would mix with ours when an earlier openrc has set them. */
const rivals = [
  'OS_CLOUD',
  'OS_TOKEN',
  'OS_AUTH_TYPE',
  'OS_USER_ID',
  'OS_PROJECT_ID',
  'OS_TENANT_ID',
  'OS_TENANT_NAME',
  'OS_DOMAIN_ID',
  'OS_DOMAIN_NAME',
  'OS_USER_DOMAIN_NAME',
  'OS_PROJECT_DOMAIN_NAME',
  'OS_APPLICATION_CREDENTIAL_ID',
  'OS_APPLICATION_CREDENTIAL_SECRET',
  'OS_CACERT',
]

/** Lines for a POSIX shell, to be evaluated. They hold a password and the secret of the metadata service. */
export function openrc(place: Place, secrets: Secrets, cloudsFile: string, cloud: CloudName = 'devstack-admin'): string {
  const { user, on }: Login = logins[cloud]
  const scoped = ['OS_PROJECT_NAME', 'OS_PROJECT_DOMAIN_ID']
  const values: Record<string, string> = {
    OS_AUTH_URL: urlOf(place, 'identity'),
    OS_IDENTITY_API_VERSION: '3',
    OS_REGION_NAME: region,
    OS_USERNAME: user,
    OS_PASSWORD: secrets.passwords[user],
    OS_USER_DOMAIN_ID: 'default',
    ...(on === 'system' ? { OS_SYSTEM_SCOPE: 'all' } : { OS_PROJECT_NAME: on.project, OS_PROJECT_DOMAIN_ID: 'default' }),
    OS_CLIENT_CONFIG_FILE: cloudsFile,
    METADATA_ENDPOINT: urlOf(place, 'metadata'),
    METADATA_SECRET: secrets.metadataSecret,
  }
  const others = on === 'system' ? scoped : ['OS_SYSTEM_SCOPE']
  const exports = Object.entries(values).map(([name, value]) => `export ${name}=${quoted(value)}`)
  return `${[`unset ${[...rivals, ...others].join(' ')}`, ...exports].join('\n')}\n`
}

const quoted = (value: string): string => (/^[\w./:@-]+$/.test(value) ? value : `'${value.replaceAll("'", `'\\''`)}'`)
