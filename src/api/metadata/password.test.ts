import { afterAll, beforeAll, expect, test } from 'vitest'
import { proxied, type TestMetadata, testMetadata } from '../../../tests/support/metadata-service.ts'
import { testServer } from '../../../tests/support/server-databases.ts'
import { ask } from '../../app/testing.ts'

const uuid = '00000000-0000-4000-8000-00000000000a'
const at = '/openstack/latest/password'
const plain = 'text/plain; charset=UTF-8'
const html = 'text/html; charset=UTF-8'

let service: TestMetadata
beforeAll(async () => {
  service = await testMetadata()
  await service.add(uuid)
})
afterAll(() => service.close())

const conflict = '409 Conflict\n\nThere was a conflict when trying to complete your request.\n\n   '
const bad = (text: string) => `400 Bad Request\n\n${text}\n\n   `
const longest = `${'a'.repeat(255)}${'b'.repeat(255)}${'c'.repeat(255)}${'d'.repeat(255)}`

type Row = [name: string, method: string, path: string, body: string, answer: [status: number, type: string, body: string]]
const rows: Row[] = [
  ['before', 'GET', at, '', [200, html, '']],
  [
    'before Grizzly',
    'POST',
    '/openstack/2012-08-10/password',
    'x',
    [404, plain, '404 Not Found\n\nThe resource could not be found.\n\n   '],
  ],
  ['another method', 'DELETE', at, '', [400, plain, bad('GET and POST only are supported.')]],
  ['another method', 'PUT', at, 'x', [400, plain, bad('GET and POST only are supported.')]],
  ['too long', 'POST', at, `${longest}e`, [400, plain, bad('Request is too large.')]],
  ['too long in bytes', 'POST', at, 'é'.repeat(511), [400, plain, bad('Request is too large.')]],
  ['empty', 'POST', at, '', [200, html, '']],
  ['the longest', 'POST', '/openstack/2013-04-04/password', longest, [200, html, '']],
  ['at once', 'GET', at, '', [200, html, longest]],
  ['again', 'POST', at, 'other', [409, plain, conflict]],
]
for (const [name, method, path, body, answer] of rows)
  test(`${name}: ${method} ${path} → ${answer[0]}`, async () => {
    const { status, type, body: got } = await service.get(path, { of: uuid, method, body })
    expect([status, type, got]).toEqual(answer)
  })

test('a length that is said to be too large is refused before the body is read', async () => {
  const headers = { 'content-length': '1021' }
  const other = '00000000-0000-4000-8000-00000000000b'
  await service.add(other)
  expect((await service.get(at, { of: other, method: 'POST', headers, body: 'x' })).status).toBe(400)
})

// Nova's tables on MariaDB take no character of more than three bytes
test.skipIf(testServer?.startsWith('mysql'))('it lies in four parts of system metadata, counted in characters', async () => {
  const other = '00000000-0000-4000-8000-00000000000c'
  await service.add(other, { systemMetadata: { image_base: 'x' } })
  const password = '🔑'.repeat(255)
  expect((await service.get(at, { of: other, method: 'POST', body: password })).status).toBe(200)
  expect((await service.cell.systemMetadata.of([other])).get(other)).toEqual({
    image_base: 'x',
    password_0: password,
    password_1: '',
    password_2: '',
    password_3: '',
  })
})

test('what is not UTF-8 is refused', async () => {
  const other = '00000000-0000-4000-8000-00000000000d'
  await service.add(other)
  const response = await service.app({ ...ask(`POST ${at}`, { headers: proxied(other) }), body: async () => Buffer.from([0xff]) })
  expect(response.status).toBe(400)
})

test('one that was set meanwhile is not replaced, one that was cleared can be set', async () => {
  const other = '00000000-0000-4000-8000-00000000000e'
  await service.add(other)
  await service.get(at, { of: other })
  await service.cell.systemMetadata.set(other, { password_0: 'theirs' })
  expect((await service.get(at, { of: other, method: 'POST', body: 'ours' })).status).toBe(409)
  expect((await service.get(at, { of: other })).body).toBe('theirs')
  await service.cell.systemMetadata.set(other, { password_0: '' })
  expect((await service.get(at, { of: other, method: 'POST', body: 'ours' })).status).toBe(409)
})

test('a server that was deleted meanwhile', async () => {
  const other = '00000000-0000-4000-8000-00000000000f'
  await service.add(other)
  await service.get(at, { of: other })
  await service.cell.servers.destroy(other)
  const { status, body } = await service.get(at, { of: other, method: 'POST', body: 'x' })
  expect([status, body]).toEqual([400, bad(`Instance ${other} could not be found.`)])
})
