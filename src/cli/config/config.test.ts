import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { apiPaste, novaConf } from '../../cloud/configuration.ts'
import { usualPorts, usualSize } from '../../cloud/places.ts'
import { people, type Secrets, serviceUsers } from '../../cloud/secrets.ts'
import { layout } from '../../cloud/state.ts'
import { main } from '../main.ts'
import type { Finding } from './check.ts'

const folder = mkdtempSync(join(tmpdir(), 'nova-ts-config-'))
afterAll(() => rmSync(folder, { recursive: true }))
const file = join(folder, 'nova.conf')
const paste = join(folder, 'api-paste.ini')
writeFileSync(paste, apiPaste())
const databases = '[api_database]\nconnection = sqlite:////a\n[database]\nconnection = sqlite:////b\n'

async function run(text: string, env: Record<string, string> = {}, ...argv: string[]) {
  writeFileSync(file, text)
  let out = ''
  const status = await main(['config', 'check', '--config-file', file, ...argv], {
    out: (part) => (out += part),
    err: (part) => (out += part),
    env,
    self: ['node'],
  })
  return { status, out }
}

async function found(text: string, env: Record<string, string> = {}): Promise<Finding[]> {
  return JSON.parse((await run(databases + text, env, '--json')).out).filter(({ name }: Finding) => name !== 'connection')
}

const rows: [text: string, outcome: string, name: string, why: RegExp][] = [
  ['[api]\nmax_limit = 10', 'honoured', 'max_limit', /^$/],
  ['[DEFAULT]\nosapi_max_limit = 10', 'honoured', 'osapi_max_limit', /^$/],
  ['[database]\nmax_pool_size = 9', 'honoured', 'max_pool_size', /^$/],
  ['[keystone_authtoken]\nmemcached_servers = h:1', 'honoured', 'memcached_servers', /^$/],
  ['[libvirt]\nvirt_type = kvm', 'ignored', 'virt_type', /nova-compute/],
  ['[filter_scheduler]\nram_weight_multiplier = 2', 'ignored', 'ram_weight_multiplier', /nova-scheduler/],
  ['[cache]\nenabled = true', 'honoured', 'enabled', /^$/],
  ['[cache]\nredis_db = 1', 'ignored', 'redis_db', /not used/],
  ['[database]\nsynchronous_reader = false', 'different', 'synchronous_reader', /own databases/],
  ['[database]\nmax_retries = -1', 'ignored', 'max_retries', /tried again/],
  ['[ephemeral_storage_encryption]\nenabled = true', 'different', 'enabled', /not encrypted/],
  ['[DEFAULT]\nservicegroup_driver = mc', 'different', 'servicegroup_driver', /memcached/],
  ['[upgrade_levels]\nconductor = epoxy', 'ignored', 'conductor', /an API does not send/],
  ['[api]\nmax_limits = 10', 'unknown', 'max_limits', /no such option either/],
  ['[mine]\nusername = x', 'unknown', 'username', /no such group either/],
  ['[mine]\nx = 10', 'unknown', 'x', /no such group either/],
  ['[cache]\nbackend = dogpile.cache.redis', 'honoured', 'backend', /^$/],
  ['[keystone_authtoken]\nmemcache_sasl_enabled = true', 'honoured', 'memcache_sasl_enabled', /^$/],
  ['[DEFAULT]\ntransport_url = rabbit://u:p@h1:5672,u:p@h2/v?ssl=1', 'honoured', 'transport_url', /^$/],
  ['[DEFAULT]\ntransport_url = rabit://u:p@h/', 'refused', 'transport_url', /^rabit:\/\/u:\*\*\*@h\/: there is no driver for rabit;/],
  ['[DEFAULT]\ntransport_url = kafka://h', 'refused', 'transport_url', /no driver for kafka/],
  ['[oslo_messaging_notifications]\ntransport_url = kafka://h', 'honoured', 'transport_url', /^$/],
  ['[oslo_messaging_rabbit]\nkombu_compression = gzip', 'honoured', 'kombu_compression', /^$/],
  ['[oslo_messaging_rabbit]\nkombu_compression = bz2', 'refused', 'kombu_compression', /bz2 is not supported/],
  ['[oslo_messaging_rabbit]\nkombu_compression = zip', 'refused', 'kombu_compression', /zip/],
  ['[oslo_messaging_rabbit]\nrabbit_login_method = RABBIT-CR-DEMO', 'refused', 'rabbit_login_method', /not supported/],
  ['[api]\nmax_limit = many', 'refused', 'max_limit', /many/],
  ['[api]\nmax_limit = -1', 'refused', 'max_limit', /-1/],
]
for (const [text, outcome, name, why] of rows)
  test(`${text.replaceAll('\n', ' ')} → ${outcome}`, async () => {
    const [, ...more] = text.split('\n')
    const findings = await found(text)
    expect(findings).toEqual([
      { outcome, group: text.slice(1, text.indexOf(']')), name, place: expect.any(String), why: expect.stringMatching(why) },
    ])
    expect(findings[0]!.place).toBe(`${file}:${4 + 1 + more.length}`)
  })

test('of the embedded cloud’s own nova.conf everything is honoured', async () => {
  const passwords = Object.fromEntries([...people, ...serviceUsers].map((name) => [name, name])) as Secrets['passwords']
  const place = { state: folder, bind: '127.0.0.1', ports: usualPorts, ...usualSize }
  const { out } = await run(novaConf(place, layout(folder), { passwords, metadataSecret: 'secret' }), {}, '--json')
  const findings = JSON.parse(out) as Finding[]
  expect(findings.length).toBeGreaterThan(50)
  expect(findings.filter(({ outcome }) => outcome !== 'honoured')).toEqual([])
})

test('a group that auth_section names is read', async () => {
  const findings = await found('[neutron]\nauth_section = mine\n[mine]\nusername = x\ntimeout = 1')
  expect(findings.map(({ outcome, group, name }) => `${outcome} ${group} ${name}`)).toEqual([
    'honoured neutron auth_section',
    'honoured mine username',
    'unknown mine timeout',
  ])
})

test('variables of the environment count', async () => {
  expect(await found('', { OS_API__MAX_LIMIT: '7', OS_LIBVIRT__VIRT_TYPE: 'kvm' })).toMatchObject([
    { outcome: 'honoured', group: 'api', name: 'max_limit', place: 'OS_API__MAX_LIMIT' },
    { outcome: 'ignored', group: 'libvirt', name: 'virt_type', place: 'OS_LIBVIRT__VIRT_TYPE' },
  ])
})

test('status and report: refused first, honoured by group, a sentence that counts at the end', async () => {
  const fine = await run(`${databases}[api]\nmax_limit = 3\n[libvirt]\nvirt_type = kvm\ncpu_mode = none\n[mine]\nx = 1\n`)
  expect(fine.status).toBe(0)
  expect(fine.out).toMatch(/Ignored, which is safe \(2\)\n {2}\[libvirt\] virt_type, cpu_mode\n {6}for nova-compute\n\nHonoured \(3\)/)
  expect(fine.out).toMatch(/\n\n3 honoured, 2 ignored, 1 unknown, 0 refused: the services start with this \(exit status 0\)\.\n$/)
  const wrong = await run('[api]\nmax_limit = x\n')
  expect(wrong.status).toBe(1)
  expect(wrong.out).toMatch(/Refused: the services do not start with these \(3\)\n.*\[api_database\] connection: it is not set/)
  expect(wrong.out).toMatch(/\n\n0 honoured, 0 ignored, 3 refused: the services do not start with this \(exit status 1\)\.\n$/)
})

test('connection strings are read, and passwords not shown', async () => {
  const { status, out } = await run(
    '[api_database]\nconnection = mysql+pymysql://n:secret@h/n?charset=latin1\n[database]\nconnection = oracle://n:secret@h/n\n',
  )
  expect(status).toBe(1)
  expect(out).toMatch(/nova.conf:2: \[api_database\] connection: mysql\+pymysql:\/\/n:\*\*\*@h\/n: .*charset=latin1/)
  expect(out).toMatch(/nova.conf:4: \[database\] connection: unknown database engine oracle/)
  expect(out).not.toContain('secret')
})

test('the paste file is composed: Nova’s own is taken, a factory that nobody has is refused', async () => {
  const fine = await run(`${databases}[keystone_authtoken]\nauth_url = http://127.0.0.1:1\n`, {}, '--paste-file', paste)
  expect(fine).toMatchObject({ status: 0 })
  const odd = join(folder, 'paste.ini')
  writeFileSync(odd, '[composite:osapi_compute]\nuse = egg:nova#none\n[pipeline:metadata]\npipeline = nobody\n')
  const { status, out } = await run(databases, {}, '--paste-file', odd)
  expect(status).toBe(1)
  expect(out).toMatch(/paste.ini: \[osapi_compute\]: .*egg:nova#none/)
  expect(out).toMatch(/paste.ini: \[metadata\]: .*nobody/)
})

test('what the start warns of is told as different, in the same words', async () => {
  const text = `[cache]
enabled = true
backend = dogpile.cache.redis
[keystone_authtoken]
memcached_servers = h:1
memcache_sasl_enabled = true
`
  const told = (findings: Finding[]) =>
    findings.filter(({ outcome }) => outcome === 'different').map(({ group, name, place, why }) => [group, name, place, why])
  expect(told(await found(text))).toEqual([
    ['cache', 'backend', `${file}:7`, 'backend dogpile.cache.redis is not supported: what guests are told is cached in this process.'],
    ['keystone_authtoken', 'memcache_sasl_enabled', `${file}:10`, expect.stringMatching(/^memcache_sasl_enabled is not supported: /)],
  ])
  expect(told(await found('[cache]\nenabled = true\nbackend = dogpile.cache.memcached\nmemcache_sasl_enabled = true'))).toEqual([
    ['cache', 'memcache_sasl_enabled', `${file}:8`, expect.stringMatching(/^memcache_sasl_enabled is not supported: /)],
  ])
})

test('queues that are to be of two kinds are refused, also where the URL says so, and each mistake is told once', async () => {
  const rabbit = '[oslo_messaging_rabbit]\nrabbit_quorum_queue = true\n'
  const refusals = async (text: string) =>
    (await found(text)).filter(({ outcome }) => outcome === 'refused').map(({ place, group, name }) => `${place} ${group} ${name}`)
  expect(await refusals(`${rabbit}rabbit_ha_queues = true`)).toEqual([`${file}:6 oslo_messaging_rabbit rabbit_quorum_queue`])
  expect(
    await refusals(`${rabbit}kombu_compression = bz2\n[DEFAULT]\ntransport_url = rabbit://h?rabbit_ha_queues=1&kombu_compression=gzip`),
  ).toEqual([`${file}:6 oslo_messaging_rabbit rabbit_quorum_queue`])
  expect(await refusals('[DEFAULT]\ntransport_url = rabbit://h?kombu_compression=bz2')).toEqual([
    `${file}:6 oslo_messaging_rabbit kombu_compression`,
  ])
  expect(
    await refusals(
      '[oslo_messaging_rabbit]\nkombu_compression = bz2\n[oslo_messaging_notifications]\ndriver = messagingv2\ntransport_url = rabit://h',
    ),
  ).toEqual([`${file}:6 oslo_messaging_rabbit kombu_compression`, `${file}:9 oslo_messaging_notifications transport_url`])
})

test('a driver that SQLAlchemy does not have is refused', async () => {
  const { status, out } = await run(databases.replace('sqlite:////b', 'mysql+pymsql://n:secret@h/n'))
  expect(status).toBe(1)
  expect(out).toMatch(/nova.conf:4: \[database\] connection: unknown driver pymsql of mysql/)
})

test('a paste file that is not there is all there is to say of paste files, whichever is the usual one', async () => {
  writeFileSync(join(folder, 'nova.conf'), `${databases}[keystone_authtoken]\nauth_url = http://127.0.0.1:1\n`)
  let out = ''
  const terminal = {
    out: (part: string) => void (out += part),
    err: () => undefined,
    env: { OS_NOVA_CONFIG_DIR: folder },
    self: ['node'] as const,
  }
  const missing = join(folder, 'nope.ini')
  expect(await main(['config', 'check', '--paste-file', missing, '--json'], terminal)).toBe(1)
  const findings = JSON.parse(out) as Finding[]
  expect(findings.filter(({ outcome }) => outcome !== 'honoured').map(({ outcome, place }) => [outcome, place])).toEqual([
    ['refused', missing],
  ])
  expect(findings.map(({ name }) => name)).toContain('auth_url')
})
