import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { cloudNames, cloudsYaml, openrc } from './clients.ts'
import { usualPorts, usualSize } from './places.ts'
import { people, type Secrets, serviceUsers } from './secrets.ts'

const place = { state: '/state', bind: '127.0.0.1', ports: usualPorts, ...usualSize }
const passwords = Object.fromEntries([...people, ...serviceUsers].map((name) => [name, `pass of ${name}: 'q" $x`])) as Secrets['passwords']
const secrets: Secrets = { passwords, metadataSecret: 'm$t' }

/** What a shell has after it evaluated the text. */
function evaluated(text: string, before: Record<string, string> = {}): Record<string, string> {
  const out = execFileSync('sh', ['-c', `${text}\nenv -0`], { encoding: 'utf8', env: { PATH: process.env.PATH!, ...before } })
  const lines = out.split('\0').filter((line) => /^(OS_|METADATA_)/.test(line))
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]))
}

test('openrc makes a shell the administrator, whatever the passwords are', () => {
  expect(evaluated(openrc(place, secrets, '/state/clouds.yaml'))).toEqual({
    OS_AUTH_URL: 'http://127.0.0.1:5000/v3',
    OS_IDENTITY_API_VERSION: '3',
    OS_REGION_NAME: 'RegionOne',
    OS_USERNAME: 'admin',
    OS_PASSWORD: passwords.admin,
    OS_USER_DOMAIN_ID: 'default',
    OS_PROJECT_NAME: 'admin',
    OS_PROJECT_DOMAIN_ID: 'default',
    OS_CLIENT_CONFIG_FILE: '/state/clouds.yaml',
    METADATA_ENDPOINT: 'http://127.0.0.1:8775',
    METADATA_SECRET: 'm$t',
  })
})

test('openrc takes back what an earlier one said', () => {
  const before = { OS_CLOUD: 'other', OS_PROJECT_ID: 'abc', OS_SYSTEM_SCOPE: 'all', OS_TOKEN: 'x' }
  const after = evaluated(openrc(place, secrets, '/c'), before)
  for (const name of Object.keys(before)) expect(after).not.toHaveProperty(name)
  const system = evaluated(openrc(place, secrets, '/c', 'devstack-system-admin'), after)
  expect(system).toMatchObject({ OS_SYSTEM_SCOPE: 'all', OS_USERNAME: 'admin' })
  expect(system).not.toHaveProperty('OS_PROJECT_NAME')
})

test('clouds.yaml has the clouds of DevStack', () => {
  const { clouds } = parse(cloudsYaml({ ...place, bind: '0.0.0.0' }, secrets))
  expect(Object.keys(clouds)).toEqual(cloudNames)
  expect(Object.keys(clouds)).toEqual(expect.arrayContaining(['devstack', 'devstack-alt', 'devstack-admin', 'devstack-system-admin']))
  expect(clouds.devstack).toEqual({
    auth: {
      auth_url: 'http://127.0.0.1:5000/v3',
      username: 'demo',
      password: passwords.demo,
      user_domain_id: 'default',
      project_name: 'demo',
      project_domain_id: 'default',
    },
    region_name: 'RegionOne',
    identity_api_version: '3',
  })
  expect(clouds['devstack-alt'].auth).toMatchObject({ username: 'alt_demo', project_name: 'alt_demo' })
  expect(clouds['devstack-system-admin'].auth).toMatchObject({ username: 'admin', system_scope: 'all' })
  expect(clouds['devstack-system-admin'].auth).not.toHaveProperty('project_name')
})

const addresses: [bind: string, url: string][] = [
  ['127.0.0.1', 'http://127.0.0.1:5000/v3'],
  ['0.0.0.0', 'http://127.0.0.1:5000/v3'],
  ['::', 'http://127.0.0.1:5000/v3'],
  ['::1', 'http://[::1]:5000/v3'],
  ['192.0.2.7', 'http://192.0.2.7:5000/v3'],
]
for (const [bind, url] of addresses)
  test(`who listens on ${bind} is found at ${url}`, () => {
    expect(evaluated(openrc({ ...place, bind }, secrets, '/c')).OS_AUTH_URL).toBe(url)
  })
