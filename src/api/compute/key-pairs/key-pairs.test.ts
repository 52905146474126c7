import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Person, type TestApi, testApi } from '../../../../tests/support/compute-api.ts'

let api: TestApi
beforeAll(async () => {
  api = await testApi()
  for (const name of ['c', 'a', 'b']) await api.call('2.1', 'POST /os-keypairs', { keypair: { name, public_key } })
})
afterAll(() => api.close())

const public_key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILwBxSCFgXfyVTqFXljn03HRf3sOVICQb+0LrrVKAEFP me'
const fingerprint = '6c:72:2e:54:51:f3:85:f4:ad:35:f4:5b:d0:ee:d0:56'
const admin = 'admin'.padEnd(32, '0')
const member = 'member'.padEnd(32, '0')
const post = 'POST /os-keypairs'

type Row = [version: string, route: string, keypair: object | undefined, status: number, as?: Person]
const rows: Row[] = [
  ['2.1', post, { name: 'x1', public_key }, 200],
  ['2.2', post, { name: 'x2', public_key }, 201],
  ['2.1', post, { name: 'a', public_key }, 409],
  ['2.1', post, { name: 'a', public_key }, 200, 'member'],
  ['2.1', post, { name: 'x', public_key: 'junk' }, 400],
  ['2.1', post, { name: ' x ', public_key }, 400],
  ['2.1', post, { public_key }, 400],
  ['2.1', post, { name: 'x', public_key, type: 'ssh' }, 400],
  ['2.2', post, { name: 'x3', public_key, type: 'ssh' }, 201],
  ['2.2', post, { name: 'x', public_key, type: 'x509' }, 400],
  ['2.2', post, { name: 'x', public_key, type: 'pgp' }, 400],
  ['2.91', post, { name: 'x@y.z', public_key }, 400],
  ['2.92', post, { name: 'x@y.z', public_key }, 201],
  ['2.91', post, { name: 'made' }, 201],
  ['2.92', post, { name: 'made' }, 400],
  ['2.9', post, { name: 'x4', public_key, user_id: member }, 400],
  ['2.10', post, { name: 'x4', public_key, user_id: member }, 201],
  ['2.10', post, { name: 'x4', public_key, user_id: member }, 403, 'other'],
  ['2.10', post, { name: 'x5', public_key, user_id: member }, 201, 'member'],
  ['2.1', 'GET /os-keypairs/a', undefined, 200],
  ['2.1', 'GET /os-keypairs/b', undefined, 404, 'member'],
  ['2.9', `GET /os-keypairs/b?user_id=${admin}`, undefined, 404, 'member'],
  ['2.10', `GET /os-keypairs/b?user_id=${admin}`, undefined, 403, 'member'],
  ['2.9', `GET /os-keypairs/x4?user_id=${member}`, undefined, 404],
  ['2.10', `GET /os-keypairs/x4?user_id=${member}`, undefined, 200],
  ['2.74', 'GET /os-keypairs/a?colour=red', undefined, 200],
  ['2.75', 'GET /os-keypairs/a?colour=red', undefined, 400],
  ['2.34', 'GET /os-keypairs?limit=x', undefined, 200],
  ['2.35', 'GET /os-keypairs?limit=x', undefined, 400],
  ['2.34', 'GET /os-keypairs?marker=never', undefined, 200],
  ['2.35', 'GET /os-keypairs?marker=never', undefined, 400],
  ['2.10', `GET /os-keypairs?user_id=${admin}`, undefined, 403, 'member'],
  ['2.1', 'DELETE /os-keypairs/x1', undefined, 202],
  ['2.2', 'DELETE /os-keypairs/x2', undefined, 204],
  ['2.2', 'DELETE /os-keypairs/x2', undefined, 404],
  ['2.10', `DELETE /os-keypairs/a?user_id=${admin}`, undefined, 403, 'member'],
  ['2.10', `DELETE /os-keypairs/x4?user_id=${member}`, undefined, 204],
]
for (const [version, route, keypair, status, as = 'admin'] of rows)
  test(`${version} ${as} ${route} ${JSON.stringify(keypair) ?? ''} → ${status}`, async () => {
    const answer = await api.call(version, route, keypair && { keypair }, { as })
    expect([answer.status, answer.status === status ? '' : answer.body]).toEqual([status, ''])
    expect(api.errors).toEqual([])
  })

test('what is shown, and the type from 2.2 on', async () => {
  const shown = async (version: string) => (await api.call(version, 'GET /os-keypairs/a')).body.keypair
  const keypair = await shown('2.1')
  expect(keypair).toEqual({
    id: expect.any(Number),
    name: 'a',
    public_key,
    fingerprint,
    user_id: admin,
    created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/),
    updated_at: null,
    deleted: false,
    deleted_at: null,
  })
  expect(await shown('2.2')).toEqual({ ...keypair, type: 'ssh' })
})

test('a private key is told when it is made, and never again', async () => {
  const { keypair } = (await api.call('2.2', post, { keypair: { name: 'once' } })).body
  expect(Object.keys(keypair).sort()).toEqual(['fingerprint', 'name', 'private_key', 'public_key', 'type', 'user_id'])
  expect(keypair.private_key).toContain('BEGIN RSA PRIVATE KEY')
  expect((await api.call('2.2', 'GET /os-keypairs/once')).body.keypair).not.toHaveProperty('private_key')
  const imported = (await api.call('2.2', post, { keypair: { name: 'given', public_key } })).body.keypair
  expect(imported).toEqual({ name: 'given', public_key, fingerprint, type: 'ssh', user_id: admin })
})

test('x509 is made, shown and imported again', async () => {
  const { keypair } = (await api.call('2.2', post, { keypair: { name: 'cert', type: 'x509' } })).body
  expect(keypair.fingerprint).toMatch(/^([0-9a-f]{2}:){19}[0-9a-f]{2}$/)
  const again = await api.call('2.2', post, { keypair: { name: 'cert2', type: 'x509', public_key: keypair.public_key } })
  expect(again.body.keypair.fingerprint).toBe(keypair.fingerprint)
})

test('a page is as long as asked from 2.35 on, and says where the next begins', async () => {
  const names = (body: { keypairs: { keypair: { name: string } }[] }) => body.keypairs.map(({ keypair }) => keypair.name)
  expect(names((await api.call('2.34', 'GET /os-keypairs?limit=1')).body).length).toBeGreaterThan(2)
  const first = (await api.call('2.35', 'GET /os-keypairs?limit=2')).body
  expect(names(first)).toEqual(['a', 'b'])
  expect(first.keypairs_links).toEqual([{ rel: 'next', href: 'http://nova.example:8774/v2.1/os-keypairs?limit=2&marker=b' }])
  expect(names((await api.call('2.35', 'GET /os-keypairs?limit=1&marker=b')).body)).toEqual(['c'])
})

test('a list costs as many statements however long it is', async () => {
  const cost = async () => {
    const before = await api.statements()
    await api.call('2.35', 'GET /os-keypairs', undefined, { as: 'reader' })
    return (await api.statements()) - before
  }
  const empty = await cost()
  for (let i = 0; i < 5; i++) await api.call('2.2', post, { keypair: { name: `n${i}`, public_key } }, { as: 'reader' })
  expect(await cost()).toBe(empty)
})
