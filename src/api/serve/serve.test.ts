import { expect, test } from 'vitest'
import { ask } from '../../app/testing.ts'
import { Fault } from '../../compute/faults.ts'
import { ConnectionLost, DatabaseBusy } from '../../oslo/database/errors.ts'
import { PeerError, type PeerFailure } from '../../oslo/keystoneauth/errors.ts'
import { RemoteError } from '../../oslo/messaging/failure.ts'
import { repr } from '../../oslo/python.ts'
import { supportedType } from './body.ts'
import { toRefusal } from './faults.ts'
import { linksOf } from './links.ts'
import { askedVersion } from './microversion.ts'
import { parseQuery } from './query.ts'
import { booleanFrom, storedTime } from './values.ts'

const versions: [Record<string, string>, string, boolean][] = [
  [{}, '2.1', true],
  [{ 'openstack-api-version': 'compute 2.60' }, '2.60', true],
  [{ 'openstack-api-version': 'Compute   2.60' }, '2.60', true],
  [{ 'openstack-api-version': 'volume 3.60, compute 2.60' }, '2.60', true],
  [{ 'openstack-api-version': 'compute 2.1, compute 2.2' }, '2.2', true],
  [{ 'openstack-api-version': 'volume 3.60' }, '2.1', true],
  [{ 'openstack-api-version': 'compute ' }, '2.1', true],
  [{ 'x-openstack-nova-api-version': '2.26' }, '2.26', true],
  [{ 'x-openstack-nova-api-version': '2.26', 'openstack-api-version': 'compute 2.60' }, '2.60', true],
  [{ 'openstack-api-version': 'compute latest' }, '2.103', true],
  [{ 'openstack-api-version': 'compute 2.0' }, '2.0', false],
  [{ 'openstack-api-version': 'compute 2.104' }, '2.104', false],
  [{ 'openstack-api-version': 'compute 3.1' }, '3.1', false],
]
for (const [headers, text, served] of versions)
  test(`version of ${JSON.stringify(headers)}`, () => expect(askedVersion(ask('GET /', { headers }))).toMatchObject({ text, served }))

for (const bad of ['two', '2.1.1', '2.01', '02.1'])
  test(`version ${bad} is none`, () =>
    expect(() => askedVersion(ask('GET /', { headers: { 'openstack-api-version': `compute ${bad}` } }))).toThrow(
      `API Version String ${bad} is of invalid format. Must be of format MajorNum.MinorNum.`,
    ))

const types: [string | undefined, boolean][] = [
  [undefined, true],
  ['', true],
  ['application/json', true],
  ['application/json;charset=latin-1', true],
  ['application/json ;charset=utf-8', false],
  ['Application/JSON', false],
  ['application/vnd.openstack.compute+json; version=2.1', true],
  ['text/plain; charset=x', true],
  ['TEXT/PLAIN', false],
  ['application/xml', false],
]
for (const [type, supported] of types) test(`Content-Type ${type}`, () => expect(supportedType(type)).toBe(supported))

const queries: [string, Record<string, string[]>][] = [
  ['', {}],
  ['a=1&a=2&b=', { a: ['1', '2'], b: [''] }],
  ['a', { a: [''] }],
  ['a=x+y%20z%2B', { a: ['x y z+'] }],
  ['&&a=1&', { a: ['1'] }],
  ['a=%zz', { a: ['%zz'] }],
  ['a=%C3%A9', { a: ['é'] }],
  ['a=1;b=2&;c', { a: ['1'], b: ['2'], c: [''] }],
  ['a=1%3Bb', { a: ['1;b'] }],
]
for (const [text, parsed] of queries) test(`query ${text}`, () => expect(parseQuery(text)).toEqual(parsed))

test('a query that is no UTF-8 is refused', () => expect(() => parseQuery('a=%ff')).toThrow('Query string is not UTF-8 encoded'))
test('a parameter named __proto__ is a parameter', () => expect(Object.keys(parseQuery('__proto__=1'))).toEqual(['__proto__']))

const reprs: [unknown, string][] = [
  [null, 'None'],
  [true, 'True'],
  ["it's", '"it\'s"'],
  ['a"\'b', "'a\"\\'b'"],
  ['a\n\t\\', "'a\\n\\t\\\\'"],
  ['\u0000\u00a0é', "'\\x00\\xa0é'"],
  [1.5, '1.5'],
  [1e-7, '1e-07'],
  [[1, 'a', { b: null }], "[1, 'a', {'b': None}]"],
]
for (const [value, text] of reprs) test(`repr of ${JSON.stringify(value)}`, () => expect(repr(value)).toBe(text))

test('an error of another service that nobody foresaw is told by the class that Nova has for it', () => {
  const told = (module: string) =>
    toRefusal(new RemoteError({ className: 'InvalidInput', module, message: 'secret' }), { errors: [], faults: {} })
  expect(told('nova.exception')).toMatchObject({
    status: 500,
    message: expect.stringMatching(/<class 'nova.exception_Remote.InvalidInput_Remote'>$/),
  })
  expect(told('builtins').message).toMatch(/<class 'oslo_messaging.rpc.client.RemoteError'>$/)
})

const elsewhere = (className: string) => new RemoteError({ className, module: 'nova.exception', message: 'said so' })
const refusals: [Error, number][] = [
  [elsewhere('ExternalNetworkAttachForbidden'), 403],
  [elsewhere('MultiattachNotSupportedByVirtDriver'), 400],
  [new RemoteError({ className: 'Forbidden', module: 'builtins', message: 'said so' }), 500],
  [
    new PeerError('no', { service: 'network', kind: 'status', status: 403, body: Buffer.from('{"NeutronError":{"message":"said so"}}') }),
    403,
  ],
  [
    new PeerError('no', { service: 'volumev3', kind: 'status', status: 403, body: Buffer.from('{"forbidden":{"message":"said so"}}') }),
    403,
  ],
  [new PeerError('no', { service: 'image', kind: 'status', status: 403 }), 500],
]
for (const [error, status] of refusals)
  test(`what is refused elsewhere, ${JSON.stringify(error)}, is ${status} whatever an operation declares`, () =>
    expect(toRefusal(error, { errors: [404], faults: {} })).toMatchObject({
      status,
      message: expect.stringMatching(status === 500 ? /^Unexpected API Error/ : /^said so/),
    }))

const unauthorized = (service: string, caller?: { isAdmin: boolean }) =>
  new PeerError('no', { service, kind: 'status', status: 401, caller })
const expired: [string, Error, number, RegExp][] = [
  ['a user', unauthorized('network', { isAdmin: false }), 401, /^This server could not verify that you are authorized to\r\naccess/],
  ['an admin', unauthorized('network', { isAdmin: true }), 500, /'nova.exception.NeutronAdminCredentialConfigurationInvalid'/],
  ['a service', unauthorized('network'), 500, /'nova.exception.NeutronAdminCredentialConfigurationInvalid'/],
  ['a user, as a compute was told', elsewhere('Unauthorized'), 401, /^This server could not verify/],
  ['a user whom Cinder refuses', unauthorized('volumev3', { isAdmin: false }), 500, /'cinderclient.exceptions.Unauthorized'/],
]
for (const [whose, error, status, words] of expired)
  test(`Neutron no longer takes the token of ${whose}: ${status}`, () => {
    const { status: told, message } = toRefusal(error, { errors: [404], faults: {} })
    expect([told, message]).toEqual([status, expect.stringMatching(words)])
  })

const peer = (service: string, kind: PeerFailure, status?: number) =>
  new PeerError('no', { service, kind, ...(status !== undefined && { status }) })
const neutronSaid = (type: string) =>
  new PeerError('no', { service: 'network', kind: 'status', status: 409, body: Buffer.from(JSON.stringify({ NeutronError: { type } })) })
const classes: [Error, string][] = [
  [peer('image', 'unreachable'), 'nova.exception.GlanceConnectionFailed'],
  [peer('image', 'timeout'), 'nova.exception.GlanceConnectionFailed'],
  [peer('image', 'status', 503), 'nova.exception.GlanceConnectionFailed'],
  [peer('image', 'status', 500), 'glanceclient.exc.HTTPInternalServerError'],
  [peer('image', 'status', 418), 'glanceclient.exc.HTTPException'],
  [peer('image', 'endpoint'), 'keystoneauth1.exceptions.catalog.EndpointNotFound'],
  [peer('volumev3', 'unreachable'), 'nova.exception.CinderConnectionFailed'],
  [peer('block-storage', 'tls'), 'nova.exception.CinderConnectionFailed'],
  [peer('network', 'unreachable'), 'keystoneauth1.exceptions.connection.ConnectFailure'],
  [peer('network', 'status', 503), 'neutronclient.common.exceptions.ServiceUnavailable'],
  [peer('network', 'status', 409), 'neutronclient.common.exceptions.Conflict'],
  [neutronSaid('OverQuota'), 'neutronclient.common.exceptions.OverQuotaClient'],
  [neutronSaid('SecurityGroupCannotUpdateDefault'), 'neutronclient.common.exceptions.Conflict'],
  [peer('network', 'status', 418), 'neutronclient.common.exceptions.NeutronClientException'],
  [peer('volumev3', 'status', 406), 'cinderclient.exceptions.NotAcceptable'],
  [peer('volumev3', 'status', 500), 'cinderclient.exceptions.ClientException'],
  [peer('placement', 'status', 500), 'PeerError'],
  [new ConnectionLost('gone'), 'oslo_db.exception.DBConnectionError'],
  [new Fault('serverLocked', 'x'), 'nova.exception.InstanceIsLocked'],
  [new Fault('volumeNotFound', 'x'), 'nova.exception.VolumeNotFound'],
  [new Fault('conflict', 'x'), 'webob.exc.HTTPConflict'],
  [new DatabaseBusy('locked'), 'oslo_db.exception.DBDeadlock'],
]
for (const [error, name] of classes)
  test(`${error.name} ${JSON.stringify(error)} is told as ${name}`, () =>
    expect(toRefusal(error, { errors: [400], faults: {} })).toMatchObject({
      status: 500,
      message: expect.stringContaining(`\n<class '${name}'>`),
    }))

test('links follow host, prefix and project', () => {
  const request = ask('GET /servers?limit=1', { scriptName: '/v2.1' })
  const of = { request, query: {}, projectId: 'p1', prefix: null }
  const plain = linksOf(of)
  expect(plain.self('servers', 'x')).toBe('http://nova.example:8774/v2.1/servers/x')
  expect(plain.bookmark('servers', 'x')).toBe('http://nova.example:8774/servers/x')
  expect(linksOf({ ...of, query: { limit: ['1'], name: ['a b/c'] } }).next('servers', 'm')).toBe(
    'http://nova.example:8774/v2.1/servers?limit=1&name=a+b%2Fc&marker=m',
  )
  for (const named of [{ request: ask('GET /p1/servers', { scriptName: '/v2.1' }) }, { query: { project_id: ['x', 'p1'] } }])
    expect(linksOf({ ...of, ...named }).self('servers', 'x')).toBe('http://nova.example:8774/v2.1/p1/servers/x')
  const prefixed = linksOf({ ...of, prefix: 'https://cloud.example/compute/' })
  expect(prefixed.self('servers', 'x')).toBe('https://cloud.example/compute/v2.1/servers/x')
  expect(prefixed.bookmark('servers', 'x')).toBe('https://cloud.example/compute/servers/x')
})

const times: [string, string | undefined][] = [
  ['2026-01-02T03:04:05Z', '2026-01-02 03:04:05.000000'],
  ['2026-01-02T03:04:05.5Z', '2026-01-02 03:04:05.500000'],
  ['2026-01-02T03:04:05+02:00', '2026-01-02 01:04:05.000000'],
  ['2026-01-02T03:04:05-0130', '2026-01-02 04:34:05.000000'],
  ['2026-01-02', '2026-01-02 00:00:00.000000'],
  ['20260102T030405', '2026-01-02 03:04:05.000000'],
  ['yesterday', undefined],
]
for (const [text, stored] of times) test(`time ${text}`, () => expect(storedTime(text)).toBe(stored))

test('booleans as oslo reads them', () => {
  expect(['1', 'T', ' yes ', 'ON', 'y'].map(booleanFrom)).toEqual([true, true, true, true, true])
  expect(['0', 'f', 'No', 'off', 'N'].map(booleanFrom)).toEqual([false, false, false, false, false])
  expect(booleanFrom('perhaps')).toBeUndefined()
})
