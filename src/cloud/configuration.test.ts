import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { parseIni } from '../oslo/config/ini.ts'
import { settings } from '../oslo/config/settings.ts'
import { readSources } from '../oslo/config/sources.ts'
import { apiDatabaseOptions } from '../oslo/database/options.ts'
import { messagingOptions } from '../oslo/messaging/options.ts'
import { peerOptions } from '../peers/peers.ts'
import { apiPaste, novaConf } from './configuration.ts'
import { usualPorts, usualSize } from './places.ts'
import { people, type Secrets, serviceUsers } from './secrets.ts'
import { layout } from './state.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'configuration-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const passwords = Object.fromEntries([...people, ...serviceUsers].map((name) => [name, `$${name}$`])) as Secrets['passwords']

test('nova.conf says where everything is, passwords with a $ in them included', async () => {
  const files = layout('/some/state')
  const text = novaConf({ state: '/some/state', bind: '0.0.0.0', ports: { ...usualPorts, identity: 15000 }, ...usualSize }, files, {
    passwords,
    metadataSecret: 'secret',
  })
  const path = join(folder, 'nova.conf')
  writeFileSync(path, text)
  const sources = await readSources({ files: [path], prog: 'nova-api', searchIn: [] })
  expect(settings(apiDatabaseOptions, sources).connection).toBe('sqlite:////some/state/databases/nova_api.sqlite')
  expect(settings(messagingOptions, sources).transportUrl).toBe('local:///some/state/run/messages.sock')
  expect(settings(peerOptions.neutron, sources)).toMatchObject({
    authType: 'password',
    authUrl: 'http://127.0.0.1:15000/v3',
    username: 'neutron',
    password: '$neutron$',
    projectName: 'service',
  })
  expect(settings(peerOptions.serviceUser, sources)).toMatchObject({ sendServiceUserToken: true, username: 'nova' })
})

const before = [
  'oslo_middleware.cors:filter_factory',
  'oslo_middleware.http_proxy_to_wsgi:HTTPProxyToWSGI.factory',
  'nova.api.compute_req_id:ComputeReqIdMiddleware.factory',
  'nova.api.openstack:FaultWrapper.factory',
  'nova.api.openstack.requestlog:RequestLog.factory',
  'oslo_middleware:RequestBodySizeLimiter.factory',
  'nova.profiler:WsgiMiddleware.factory',
  'keystonemiddleware.auth_token:filter_factory',
  'nova.api.auth:NovaKeystoneContext.factory',
]
const [cors, proxy, requestId, faults, log] = before as [string, string, string, string, string]
const legacy = 'nova.api.openstack:LegacyV2CompatibleWrapper.factory'
const routes = 'nova.api.openstack.compute:APIRouterV21.factory'
const version = 'nova.api.openstack.compute.versions:VersionsV2.factory'

// etc/nova/api-paste.ini of Nova 33.0.2
const chains: [composite: string, mount: string, factories: string[]][] = [
  ['osapi_compute', '/', [cors, faults, log, proxy, 'nova.api.openstack.compute.versions:Versions.factory']],
  ['osapi_compute', '/v2.1', [cors, requestId, faults, log, proxy, version]],
  ['osapi_compute', '/v2', [cors, requestId, faults, log, proxy, legacy, version]],
  ['osapi_compute', '/v2.1/+', [...before, routes]],
  ['osapi_compute', '/v2/+', [...before, legacy, routes]],
  ['metadata', '/', [cors, proxy, 'nova.api.metadata.handler:MetadataRequestHandler.factory']],
]
for (const [composite, mount, factories] of chains)
  test(`api-paste.ini: ${composite} ${mount} passes what Nova's own passes`, () => {
    const sections = parseIni(apiPaste(), 'api-paste.ini')
    const of = (section: string) => new Map([...(sections.get(section) ?? [])].map(([key, values]) => [key, values.at(-1)!.text]))
    const target = of(`composite:${composite}`).get(mount)!
    const names = (of(`composite:${target}`).get('keystone') ?? of(`pipeline:${target}`).get('pipeline'))!.split(' ')
    const last = names.at(-1)!
    const found = names.map((name) =>
      name === last ? of(`app:${name}`).get('paste.app_factory') : of(`filter:${name}`).get('paste.filter_factory'),
    )
    expect(found).toEqual(factories)
  })
