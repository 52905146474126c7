import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { projectId, proxied, secret, type TestMetadata, testMetadata } from '../../tests/support/metadata-service.ts'
import { ask } from '../app/testing.ts'
import { type TestKeystone, testKeystone } from '../oslo/keystoneauth/fixture.ts'
import type { ServedApplication } from './application.ts'

const uuid = '00000000-0000-4000-8000-00000000000a'
const unmapped = '00000000-0000-4000-8000-00000000000b'

let folder: string
let databases: TestMetadata
let neutron: TestKeystone
const environment = { ...process.env }

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'nova-'))
  databases = await testMetadata()
  neutron = await testKeystone()
  neutron.answer = ({ path }) => {
    if (path.startsWith('/v2.0/ports')) return { body: { ports: [{ device_id: uuid, tenant_id: projectId, security_groups: ['g'] }] } }
    if (path.startsWith('/v2.0/security-groups')) return { body: { security_groups: [{ id: 'g', name: 'web' }] } }
    return path.startsWith('/vendor') ? { body: { from: 'the vendor' } } : undefined
  }
  const server = { userData: Buffer.from('hello').toString('base64') }
  await databases.add(uuid, { server })
  await databases.add(unmapped, { server, mapped: false })
})
afterAll(async () => {
  process.env = environment
  await neutron.close()
  await databases.close()
  rmSync(folder, { recursive: true, force: true })
})

const paste = `
[composite:metadata]
use = egg:Paste#urlmap
/: meta

[pipeline:meta]
pipeline = cors http_proxy_to_wsgi metaapp

[filter:cors]
paste.filter_factory = oslo_middleware.cors:filter_factory
oslo_config_project = nova

[filter:http_proxy_to_wsgi]
paste.filter_factory = oslo_middleware.http_proxy_to_wsgi:HTTPProxyToWSGI.factory

[app:metaapp]
paste.app_factory = nova.api.metadata.handler:MetadataRequestHandler.factory
`

const conf = (databaseLines: string, more = '') => `
[DEFAULT]
host = here
log_file = ${join(folder, 'nova.log')}
${databaseLines}
[api]
vendordata_providers = StaticJSON,DynamicJSON
vendordata_dynamic_targets = vendor@${neutron.url}/vendor
${more}
[neutron]
service_metadata_proxy = true
metadata_proxy_shared_secret = ${secret}
auth_type = none
endpoint_override = ${neutron.url}
[vendordata_dynamic_auth]
auth_type = admin_token
token = ours
endpoint = http://nowhere
`

/** Imports the module anew with this configuration. */
async function imported(text: string, composed = paste): Promise<ServedApplication> {
  const directory = mkdtempSync(join(folder, 'etc-'))
  mkdirSync(directory, { recursive: true })
  writeFileSync(join(directory, 'api-paste.ini'), composed)
  writeFileSync(join(directory, 'nova.conf'), text)
  process.env.OS_NOVA_CONFIG_DIR = directory
  vi.resetModules()
  const { application } = await import('./metadata.ts')
  await application.ready()
  return application
}

async function get(application: ServedApplication, line: string, of?: string): Promise<[status: number, body: string]> {
  const { status, body } = await application.handle(ask(line, of === undefined ? {} : { headers: proxied(of) }))
  return [status, body === null ? '' : Buffer.from(body as string).toString()]
}

test('the service, as Nova’s files compose it', async () => {
  const url = databases.stores.url
  const application = await imported(
    conf('', `\n[api_database]\nconnection = ${url('api.sqlite')}\n[database]\nconnection = ${url('cell0.sqlite')}\n`),
  )
  expect((await get(application, 'GET /'))[1]).toMatch(/^1\.0\n.*\nlatest$/s)
  expect((await get(application, 'GET //'))[0]).toBe(200)
  expect(await get(application, 'GET /openstack/latest/user_data', uuid)).toEqual([200, 'hello'])
  expect(await get(application, 'GET //openstack//latest//user_data', uuid)).toEqual([200, 'hello'])
  expect(await get(application, 'GET /openstack/latest/user_data', unmapped)).toEqual([
    404,
    '404 Not Found\n\nThe resource could not be found.\n\n   ',
  ])
  expect(await get(application, 'GET /latest/meta-data/security-groups', uuid)).toEqual([200, 'web'])
  // The cors filter answers these itself where there is nothing
  expect(await get(application, 'OPTIONS /nothing', uuid)).toEqual([200, ''])
  expect(await get(application, 'GET /openstack/latest/vendor_data2.json', uuid)).toEqual([
    200,
    '{"static": {}, "vendor": {"from": "the vendor"}}',
  ])
  expect(neutron.requests('/vendor')[0]!.headers['x-auth-token']).toBe('ours')
  expect((await application.fetch(new Request('http://nova/'))).status).toBe(200)

  const cell0 = (await databases.stores.cells.all())[0]!
  expect(await cell0.services.find('here', 'nova-metadata')).toMatchObject({ version: 72, reportCount: 0 })
})

test('a service of one cell alone needs no nova_api', async () => {
  const cell = databases.stores.url('cell1.sqlite')
  const application = await imported(conf('', `local_metadata_per_cell = true\n[database]\nconnection = ${cell}\n`))
  expect(await get(application, 'GET /openstack/latest/user_data', unmapped)).toEqual([200, 'hello'])
  expect(await databases.cell.services.find('here', 'nova-metadata')).toMatchObject({ version: 72 })
})

test('that the service came to be is told, once', async () => {
  const log = join(mkdtempSync(join(folder, 'log-')), 'metadata.log')
  const cell = databases.stores.url('cell1.sqlite')
  const loud = `[oslo_messaging_notifications]\ndriver = log\n[notifications]\nnotification_format = versioned\n`
  const text = conf(`host = elsewhere\nlog_file = ${log}`, `local_metadata_per_cell = true\n[database]\nconnection = ${cell}\n${loud}`)
  await imported(text)
  const told = () => readFileSync(log, 'utf8').match(/"event_type":"service.create"/g)?.length
  await vi.waitFor(() => expect(told()).toBe(1), 5000)
  expect(readFileSync(log, 'utf8')).toMatch(/"publisher_id":"nova-metadata:elsewhere".*"ServiceStatusPayload".*"availability_zone":null/)
  await imported(text)
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(told()).toBe(1)
})

test('what a filter of one’s own fails at, before its answer or in the middle of it, is a line in the log under every host', async () => {
  const log = join(mkdtempSync(join(folder, 'log-')), 'metadata.log')
  writeFileSync(
    join(folder, 'fails.mjs'),
    `async function* half() { yield Buffer.from('half'); throw new Error('in the middle') }
    export const factory = () => (app) => async (request) => {
      if (request.path === '/before') throw new Error('before it')
      return request.path === '/half' ? { status: 200, headers: [], body: half() } : app(request)
    }`,
  )
  const composed = `${paste.replace('pipeline = cors', 'pipeline = mine cors')}
[filter:mine]
paste.filter_factory = ${join(folder, 'fails.mjs')}:factory
`
  const cell = databases.stores.url('cell1.sqlite')
  const application = await imported(
    conf(`log_file = ${log}`, `local_metadata_per_cell = true\n[database]\nconnection = ${cell}\n`),
    composed,
  )
  const server = createServer(application).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const at = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const lines = () =>
    readFileSync(log, 'utf8')
      .match(/^.* ERROR nova\.api\.wsgi \[.*\] GET .*$/gm)
      ?.map((line) => line.replace(/.*\] /, ''))
  const [before, midway] = [
    'GET /before failed outside of faultwrap: Error: before it',
    'GET /half failed outside of faultwrap: Error: in the middle',
  ]
  try {
    const wanted: string[] = []
    for (const asked of [fetch, (url: string) => application.fetch(new Request(url))]) {
      expect([(await asked(`${at}/before`)).status, (await asked(at)).status]).toEqual([500, 200])
      await expect(asked(`${at}/half`).then((answer) => answer.text())).rejects.toThrow()
      wanted.push(before, midway)
      await vi.waitFor(() => expect(lines()).toEqual(wanted), 5000)
    }
  } finally {
    server.close()
  }
})

test('a service of all cells needs nova_api', async () => {
  const cell = databases.stores.url('cell1.sqlite')
  vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  await expect(imported(conf('', `\n[database]\nconnection = ${cell}\n`))).rejects.toThrow('[api_database] connection is not set')
})

test('the compute API does not load beside it', async () => {
  await expect(import('./osapi_compute.ts')).rejects.toThrow('the two never share a process')
})
