import { describe, expect, test } from 'vitest'
import type { RequestContext } from '../../oslo/context.ts'
import { accessOf } from '../../oslo/keystoneauth/access.ts'
import { tokenBody } from '../../oslo/keystoneauth/fixture.ts'
import type { Request } from '../contract.ts'
import { type Asked, ask } from '../testing.ts'
import { identified } from './identity.ts'
import { keystoneContext, keystoneContextFilters } from './keystone-context.ts'

const asked: RequestContext[] = []
const parts = {
  isAdmin: ({ roles }: Omit<RequestContext, 'isAdmin'>) => roles.includes('admin'),
  clock: { now: () => Date.UTC(2026, 0, 2, 3, 4, 5, 678) },
  newId: () => 'req-new',
}
const app = keystoneContext(parts)(async (request) => {
  asked.push(request.environ.context!)
  return { status: 200, headers: [], body: null }
})

const contextOf = async (request: Request): Promise<RequestContext> => {
  expect((await app(request)).status).toBe(200)
  return asked.at(-1)!
}
const withHeaders = (headers: Record<string, string>, more: Asked = {}) => ask('GET /servers', { headers, ...more })

const services = [
  'compute',
  'image',
  'block-storage',
  'volumev3',
  'volumev2',
  'key-manager',
  'placement',
  'network',
  'accelerator',
  'sharev2',
  'identity',
]
const kept = ['image', 'block-storage', 'volumev3', 'key-manager', 'placement', 'network', 'accelerator', 'sharev2', 'identity']
const catalog = services.map((type) => ({ type, endpoints: [{ region: 'R', interface: 'public', url: `http://${type}` }] }))
const user = accessOf('t1', tokenBody({ catalog, roles: [{ name: 'admin' }, { name: 'member' }] }))
const service = accessOf('t2', tokenBody({ user: { id: 's1', name: 'cinder' }, roles: [{ name: 'service' }] }))

/** The request as authtoken hands it on. */
const identifiedBy = (more: Partial<Parameters<typeof identified>[1]> = {}, asked: Asked = {}) =>
  identified(withHeaders({ 'x-auth-token': 't1' }, asked), { user, service: null, serviceValid: undefined, ...more })

const expected = {
  ...{ userId: 'u1', userName: 'joe', projectId: 'p1', projectName: 'demo', domainId: null, domainName: null, userDomainId: 'default' },
  ...{ projectDomainId: 'default', systemScope: null, roles: ['admin', 'member'], isAdmin: true, isAdminProject: true, token: 't1' },
  ...{ serviceToken: null, serviceUserId: null, serviceProjectId: null, serviceRoles: [], requestId: 'req-new', globalRequestId: null },
  ...{ remoteAddress: '127.0.0.1', timestamp: '2026-01-02T03:04:05.678000', readDeleted: 'no' },
  catalog: kept.map((type) => ({ type, endpoints: [{ region: 'R', publicURL: `http://${type}` }] })),
}

describe('the context', () => {
  test('is that of the token', async () => expect(await contextOf(identifiedBy())).toEqual(expected))
  test('is the same when it is made of the headers', async () => {
    const { headers } = identifiedBy()
    expect(await contextOf(withHeaders(headers as Record<string, string>))).toEqual(expected)
  })
  test('has the service that asks on behalf of the user, in both ways', async () => {
    const more = { serviceToken: 't2', serviceUserId: 's1', serviceProjectId: 'p1', serviceRoles: ['service'] }
    const request = identified(withHeaders({ 'x-auth-token': 't1', 'x-service-token': 't2' }), { user, service, serviceValid: true })
    expect(await contextOf(request)).toEqual({ ...expected, ...more })
    expect(await contextOf(withHeaders(request.headers as Record<string, string>))).toEqual({ ...expected, ...more })
    expect(await contextOf(identifiedBy())).toEqual(expected)
  })
  test('follows filters between that change headers', async () => {
    const request = identifiedBy()
    const changed = { ...request, headers: { ...request.headers, 'x-roles': 'reader' } }
    expect(await contextOf(changed)).toMatchObject({ roles: ['reader'], isAdmin: false, userId: 'u1' })
  })
  test('has the ids of the request', async () => {
    const ids = { requestId: 'req-1', globalRequestId: 'req-2' }
    expect(await contextOf({ ...withHeaders({ 'x-user-id': 'u' }), environ: { ...ids } })).toMatchObject(ids)
  })

  const rows: [headers: Record<string, string>, part: Partial<RequestContext>][] = [
    [{ 'x-user': 'joe' }, { userId: 'joe', projectId: null, roles: [], isAdminProject: true, catalog: [], token: null }],
    [{ 'x-user-id': 'u', 'x-role': 'a, b' }, { roles: ['a', 'b'] }],
    [{ 'x-user-id': 'u', 'x-roles': '', 'x-role': 'a' }, { roles: [] }],
    [{ 'x-user-id': 'u', 'x-tenant': 'p' }, { projectId: 'p' }],
    [
      { 'x-user-id': 'u', 'x-tenant-id': 'p', 'x-tenant-name': 'n' },
      { projectId: 'p', projectName: 'n' },
    ],
    [{ 'x-user-id': 'u', 'x-storage-token': 't' }, { token: 't' }],
    [{ 'x-user-id': 'u', 'x-is-admin-project': 'False' }, { isAdminProject: false }],
    [{ 'x-user-id': 'u', 'x-is-admin-project': 'TRUE' }, { isAdminProject: true }],
    [{ 'x-user-id': 'u', 'openstack-system-scope': 'all' }, { systemScope: 'all' }],
    [{ 'x-user-id': 'u', 'x-service-roles': 's , q' }, { serviceRoles: ['s', 'q'] }],
  ]
  for (const [headers, part] of rows) {
    test(`of ${JSON.stringify(headers)}`, async () => expect(await contextOf(withHeaders(headers))).toMatchObject(part))
  }
  test('knows no address where there is none', async () =>
    expect((await contextOf(withHeaders({ 'x-user-id': 'u' }, { remoteAddress: '' }))).remoteAddress).toBe(null))
})

describe('nobody', () => {
  const explanation =
    'This server could not verify that you are authorized to access the document you requested. Either you supplied the wrong credentials (e.g., bad password), or your browser does not understand how to supply the credentials required.'
  const rows: [what: string, request: Request][] = [
    ['without headers', withHeaders({})],
    ['with an empty user', withHeaders({ 'x-user-id': '', 'x-user': 'joe' })],
    ['with a token that was not believed', identifiedBy({ user: null })],
  ]
  for (const [what, request] of rows) {
    test(`${what} gets in`, async () =>
      expect(await app(request)).toEqual({
        status: 401,
        headers: [['Content-Type', 'text/plain; charset=UTF-8']],
        body: `401 Unauthorized\n\n${explanation}\n\n   `,
      }))
  }
  test('may have a catalogue that is none', async () => {
    for (const bad of ['{', '5'])
      expect(await app(withHeaders({ 'x-user-id': 'u', 'x-service-catalog': bad }))).toEqual({
        status: 500,
        headers: [['Content-Type', 'text/plain; charset=UTF-8']],
        body: '500 Internal Server Error\n\nThe server has either erred or is incapable of performing the requested operation.\n\n Invalid service catalog json.  ',
      })
  })
})

test('paste files know it by the name of upstream', () =>
  expect(Object.keys(keystoneContextFilters(parts).filters!)).toEqual(['nova.api.auth:NovaKeystoneContext.factory']))
