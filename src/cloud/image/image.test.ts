import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import type { Request } from '../../app/contract.ts'
import { ask } from '../ask.ts'
import { person } from '../fixture.ts'
import type { Caller } from '../service.ts'
import { openShelf, type Shelf } from '../shelf.ts'
import { image } from './index.ts'

const caller = (token: string, projectId: string, ...roles: string[]): Caller => ({
  ...person(token, projectId, roles),
  userId: `user-${token}`,
})
const callers = [
  caller('admin', 'admins', 'admin', 'manager', 'member', 'reader'),
  caller('demo', 'demos', 'member', 'reader'),
  caller('look', 'demos', 'reader'),
  caller('alt', 'alts', 'member', 'reader'),
  caller('service', 'services', 'service'),
  { ...caller('domain', '', 'admin', 'member', 'reader'), projectId: null, domainId: 'default' },
]

const patchType = 'application/openstack-images-v2.1-json-patch'

function start(shelf: Shelf = openShelf(':memory:'), folder = mkdtempSync(join(tmpdir(), 'images-'))) {
  const clock = { time: Date.UTC(2026, 0, 1), now: () => clock.time }
  let count = 0
  const ids = { uuid: () => `00000000-0000-4000-8000-${String(++count).padStart(12, '0')}` }
  const unforeseen: unknown[] = []
  const report = (error: unknown) => unforeseen.push(error)
  const authenticate = (token: string) => callers.find((one) => one.token === token) ?? null
  const service = image({ shelf, folder, authenticate, clock, ids, report })
  const as = (token: string) => ({
    send: (route: string, body?: unknown, headers?: Record<string, string>) =>
      ask(service.application, route, { token, body, headers: { accept: '*/*', ...headers }, host: 'cloud:9292' }),
    create: async (values: object = {}): Promise<string> => {
      const answer = await as(token).send('POST /v2/images', { disk_format: 'raw', container_format: 'bare', ...values })
      if (answer.status !== 201) throw new Error(answer.body)
      return answer.body.id
    },
    upload: (id: string, bytes: string | Uint8Array, place = 'file') =>
      as(token).send(`PUT /v2/images/${id}/${place}`, bytes, { 'content-type': 'application/octet-stream' }),
    show: async (id: string) => (await as(token).send(`GET /v2/images/${id}`)).body,
    patch: (id: string, ...operations: object[]) => as(token).send(`PATCH /v2/images/${id}`, operations, { 'content-type': patchType }),
  })
  return { ...service, clock, folder, shelf, unforeseen, as }
}

let cloud: ReturnType<typeof start>
beforeEach(() => {
  cloud = start()
})

/** Sends an upload whose chunks come from a generator of the test. */
const sendChunks = (application: (request: Request) => Promise<{ status: number }>, id: string, chunks: AsyncIterable<Uint8Array>) =>
  application({
    method: 'PUT',
    target: `/v2/images/${id}/file`,
    scriptName: '',
    path: `/v2/images/${id}/file`,
    query: '',
    scheme: 'http',
    protocol: 'HTTP/1.1',
    remoteAddress: '127.0.0.1',
    headers: { 'x-auth-token': 'demo', 'content-type': 'application/octet-stream', host: 'cloud' },
    rawHeaders: [],
    environ: {},
    body: () => Promise.reject(new Error('not asked for')),
    chunks: () => chunks,
  })

describe('the life of an image', () => {
  test('from nothing to bytes and back', async () => {
    const demo = cloud.as('demo')
    const made = await demo.send('POST /v2/images', {
      name: 'i',
      disk_format: 'raw',
      container_format: 'bare',
      tags: ['t', 't'],
      os_type: 'linux',
    })
    expect(made.status).toBe(201)
    expect(made.header('location')).toBe(`http://cloud:9292/v2/images/${made.body.id}`)
    expect(made.body).toEqual({
      os_type: 'linux',
      id: made.body.id,
      name: 'i',
      status: 'queued',
      visibility: 'shared',
      owner: 'demos',
      disk_format: 'raw',
      container_format: 'bare',
      size: null,
      virtual_size: null,
      checksum: null,
      os_hash_algo: null,
      os_hash_value: null,
      protected: false,
      os_hidden: false,
      min_ram: 0,
      min_disk: 0,
      tags: ['t'],
      created_at: '2026-01-01T00:00:00Z',
      updated_at: '2026-01-01T00:00:00Z',
      self: `/v2/images/${made.body.id}`,
      file: `/v2/images/${made.body.id}/file`,
      schema: '/v2/schemas/image',
    })
    const { id } = made.body
    expect((await demo.send(`GET /v2/images/${id}/file`)).status).toBe(204)
    cloud.clock.time += 2000
    expect((await demo.upload(id, 'some bytes')).status).toBe(204)
    expect(await demo.show(id)).toMatchObject({
      status: 'active',
      size: 10,
      virtual_size: 10,
      checksum: createHash('md5').update('some bytes').digest('hex'),
      os_hash_algo: 'sha512',
      os_hash_value: createHash('sha512').update('some bytes').digest('hex'),
      updated_at: '2026-01-01T00:00:02Z',
    })
    const download = await demo.send(`GET /v2/images/${id}/file`)
    expect(download.bytes.toString()).toBe('some bytes')
    expect(download.header('content-md5')).toBe(createHash('md5').update('some bytes').digest('hex'))
    expect(download.header('content-length')).toBe('10')
    expect((await demo.upload(id, 'others')).status).toBe(409)
    expect((await demo.send(`DELETE /v2/images/${id}`)).status).toBe(204)
    expect((await demo.send(`GET /v2/images/${id}`)).status).toBe(404)
    expect(readdirSync(cloud.folder)).toEqual([])
    expect(cloud.unforeseen).toEqual([])
  })

  test('parts of it can be downloaded', async () => {
    const demo = cloud.as('demo')
    const id = await demo.create()
    await demo.upload(id, '0123456789')
    const rows: [range: string, status: number, body?: string, contentRange?: string][] = [
      ['bytes=0-0', 206, '0', 'bytes 0-0/10'],
      ['bytes=2-4', 206, '234', 'bytes 2-4/10'],
      ['bytes=8-', 206, '89', 'bytes 8-9/10'],
      ['bytes=-3', 206, '789', 'bytes 7-9/10'],
      ['bytes=-30', 206, '0123456789', 'bytes 0-9/10'],
      ['bytes=9-99', 206, '9', 'bytes 9-9/10'],
      ['bytes=10-', 416],
      ['bytes=4-2', 416],
      ['bytes=-', 416],
      ['lines=1-2', 416],
    ]
    for (const [range, status, body, contentRange] of rows) {
      const answer = await demo.send(`GET /v2/images/${id}/file`, undefined, { range })
      expect([range, answer.status, answer.header('content-range')]).toEqual([range, status, contentRange])
      if (body) expect(answer.bytes.toString()).toBe(body)
    }
    const head = await demo.send(`HEAD /v2/images/${id}/file`)
    expect([head.status, head.header('content-length'), head.bytes.length]).toEqual([200, '10', 0])
  })

  test('an empty image is an image', async () => {
    const demo = cloud.as('demo')
    const id = await demo.create()
    expect((await demo.upload(id, '')).status).toBe(204)
    expect(await demo.show(id)).toMatchObject({ status: 'active', size: 0 })
    expect((await demo.send(`GET /v2/images/${id}/file`)).header('content-length')).toBe('0')
  })

  test('it is deactivated and comes back', async () => {
    const demo = cloud.as('demo')
    const id = await demo.create()
    expect((await demo.send(`POST /v2/images/${id}/actions/deactivate`)).status).toBe(403)
    await demo.upload(id, 'x')
    expect((await demo.send(`POST /v2/images/${id}/actions/deactivate`)).status).toBe(204)
    expect((await demo.send(`GET /v2/images/${id}/file`)).status).toBe(403)
    expect((await cloud.as('admin').send(`GET /v2/images/${id}/file`)).status).toBe(200)
    expect((await demo.send(`POST /v2/images/${id}/actions/reactivate`)).status).toBe(204)
    expect((await demo.send(`GET /v2/images/${id}/file`)).status).toBe(200)
  })

  test('it is staged, then imported', async () => {
    const demo = cloud.as('demo')
    const id = await demo.create()
    const start = (name = 'glance-direct') => demo.send(`POST /v2/images/${id}/import`, { method: { name } })
    expect((await start()).status).toBe(409)
    expect((await start('web-download')).status).toBe(400)
    expect((await demo.upload(id, 'staged', 'stage')).status).toBe(204)
    expect(await demo.show(id)).toMatchObject({ status: 'uploading', size: 6, checksum: null })
    expect((await demo.send(`GET /v2/images/${id}/file`)).status).toBe(204)
    const again = restarted(cloud)
    expect((await again.as('demo').send(`POST /v2/images/${id}/import`, { method: { name: 'glance-direct' } })).status).toBe(202)
    expect(await again.as('demo').show(id)).toMatchObject({ status: 'active', size: 6 })
    expect((await again.as('demo').send(`GET /v2/images/${id}/file`)).bytes.toString()).toBe('staged')
  })

  test('an import is told as a task of its image', async () => {
    const demo = cloud.as('demo')
    const [uploaded, imported] = [await demo.create(), await demo.create()]
    const tasks = async (id: string, token = 'demo') => (await cloud.as(token).send(`GET /v2/images/${id}/tasks`)).body.tasks
    await demo.upload(uploaded, 'bytes')
    await demo.upload(imported, 'bytes', 'stage')
    expect(await tasks(imported)).toEqual([])
    const import_req = { method: { name: 'glance-direct' } }
    await demo.send(`POST /v2/images/${imported}/import`, import_req)
    expect(await tasks(uploaded)).toEqual([])
    const [task, ...others] = await tasks(imported)
    expect(others).toEqual([])
    expect(task).toMatchObject({ type: 'api_image_import', status: 'success', image_id: imported, result: { image_id: imported } })
    expect(task.input).toEqual({ image_id: imported, import_req, backend: ['file'] })
    expect(Date.parse(task.expires_at) - Date.parse(task.updated_at)).toBe(48 * 3600 * 1000)
    expect(await tasks(imported, 'admin')).toHaveLength(1)
    expect((await cloud.as('alt').send(`GET /v2/images/${imported}/tasks`)).status).toBe(404)
    await demo.send(`DELETE /v2/images/${imported}`)
    expect((await demo.send(`GET /v2/images/${imported}/tasks`)).status).toBe(404)
  })

  test('a task is told for two days, and kept until its project asks for tasks after that', async () => {
    const imported = async (token: string): Promise<string> => {
      const id = await cloud.as(token).create()
      await cloud.as(token).upload(id, 'bytes', 'stage')
      await cloud.as(token).send(`POST /v2/images/${id}/import`, { method: { name: 'glance-direct' } })
      return id
    }
    const [demos, alts] = [await imported('demo'), await imported('alt')]
    const count = async (id: string, token: string) => (await cloud.as(token).send(`GET /v2/images/${id}/tasks`)).body.tasks.length
    const kept = () => cloud.shelf.collection('image.tasks').size
    cloud.clock.time += 48 * 3600 * 1000 - 1
    expect([await count(demos, 'demo'), kept()]).toEqual([1, 2])
    cloud.clock.time += 2
    expect([await count(demos, 'admin'), kept()]).toEqual([0, 2])
    expect([await count(await imported('demo'), 'demo'), kept()]).toEqual([1, 2])
    expect([await count(alts, 'alt'), kept()]).toEqual([0, 1])
  })
})

/** The service as a new process finds it. */
const restarted = (before: ReturnType<typeof start>) => start(before.shelf, before.folder)

describe('an upload that fails', () => {
  const rows: [what: string, values: object, bytes: Uint8Array, status: number][] = [
    ['no formats', { disk_format: null, container_format: null }, Buffer.from('x'), 400],
    ['one format', { disk_format: null }, Buffer.from('x'), 400],
    ['no qcow2', { disk_format: 'qcow2' }, Buffer.from('x'), 415],
    ['qcow2 as vmdk', { disk_format: 'vmdk' }, Buffer.from('QFI\xfb', 'latin1'), 415],
    ['an iso that is one', { disk_format: 'iso' }, Buffer.concat([Buffer.alloc(0x8001), Buffer.from('CD001')]), 204],
    ['an iso that is none', { disk_format: 'iso' }, Buffer.alloc(0x9000), 415],
    ['qcow2 as raw', { disk_format: 'raw' }, Buffer.from('QFI\xfb', 'latin1'), 204],
    ['anything as ami', { disk_format: 'ami', container_format: 'ami' }, Buffer.from('x'), 204],
  ]
  for (const [what, values, bytes, status] of rows)
    test(`${what} → ${status}`, async () => {
      const demo = cloud.as('demo')
      const id = await demo.create(values)
      expect((await demo.upload(id, bytes)).status).toBe(status)
      expect((await demo.show(id)).status).toBe(status === 204 ? 'active' : 'queued')
      expect(readdirSync(cloud.folder)).toEqual(status === 204 ? [id] : [])
    })

  test('a qcow2 image tells its virtual size', async () => {
    const demo = cloud.as('demo')
    const id = await demo.create({ disk_format: 'qcow2' })
    const header = Buffer.alloc(512)
    header.write('QFI\xfb', 'latin1')
    header.writeBigUInt64BE(1n << 30n, 24)
    await demo.upload(id, header)
    expect(await demo.show(id)).toMatchObject({ size: 512, virtual_size: 1 << 30 })
  })

  test('other media types and other sizes are refused', async () => {
    const demo = cloud.as('demo')
    const id = await demo.create()
    expect((await demo.send(`PUT /v2/images/${id}/file`, 'x', { 'content-type': 'text/plain' })).status).toBe(415)
    const sized = (size: string) =>
      demo.send(`PUT /v2/images/${id}/file`, 'four', { 'content-type': 'application/octet-stream', 'x-openstack-image-size': size })
    expect((await sized('5')).status).toBe(400)
    expect((await demo.show(id)).status).toBe('queued')
    expect((await sized('4')).status).toBe(204)
  })

  test('one that breaks off leaves the image queued, and the next one succeeds', async () => {
    const demo = cloud.as('demo')
    const id = await demo.create()
    async function* broken() {
      yield Buffer.alloc(100_000, 'a')
      throw Object.assign(new Error('aborted'), { code: 'ECONNRESET' })
    }
    expect((await sendChunks(cloud.application, id, broken())).status).toBe(400)
    expect(await demo.show(id)).toMatchObject({ status: 'queued', size: null, checksum: null })
    expect(readdirSync(cloud.folder)).toEqual([])
    expect((await demo.upload(id, 'whole')).status).toBe(204)
    expect(cloud.unforeseen).toEqual([])
  })

  test('a process that died meanwhile left a queued image and nothing of its bytes', async () => {
    const demo = cloud.as('demo')
    const id = await demo.create()
    let arrived: () => void = () => {}
    const begun = new Promise<void>((done) => (arrived = done))
    let end: () => void = () => {}
    const ended = new Promise<void>((done) => (end = done))
    async function* endless() {
      yield Buffer.from('half')
      arrived()
      await ended
      throw Object.assign(new Error('aborted'), { code: 'ECONNRESET' })
    }
    const upload = sendChunks(cloud.application, id, endless())
    await begun
    expect((await demo.show(id)).status).toBe('saving')
    expect(existsSync(join(cloud.folder, `${id}.part`))).toBe(true)
    expect((await demo.upload(id, 'x')).status).toBe(409)
    // As if it had died after the bytes were in place and before the image was.
    writeFileSync(join(cloud.folder, id), 'torn')
    writeFileSync(join(cloud.folder, 'keep.me'), 'not ours')
    const next = restarted(cloud)
    expect(await next.as('demo').show(id)).toMatchObject({ status: 'queued', size: null })
    expect(readdirSync(cloud.folder)).toEqual(['keep.me'])
    expect((await next.as('demo').upload(id, 'again')).status).toBe(204)
    end()
    await upload
    expect((await next.as('demo').show(id)).status).toBe('active')
  })

  test('an image that is deleted meanwhile stays deleted', async () => {
    const demo = cloud.as('demo')
    const id = await demo.create()
    async function* slow() {
      yield Buffer.from('a')
      expect((await demo.send(`DELETE /v2/images/${id}`)).status).toBe(204)
      yield Buffer.from('b')
    }
    expect((await sendChunks(cloud.application, id, slow())).status).toBe(410)
    expect((await demo.send(`GET /v2/images/${id}`)).status).toBe(404)
    expect(readdirSync(cloud.folder)).toEqual([])
  })
})

test('what may be said of a new image', async () => {
  const rows: [who: string, body: unknown, status: number, told?: string][] = [
    ['demo', {}, 201],
    ['demo', undefined, 400, 'Body expected in request.'],
    ['demo', '{', 400, 'Malformed JSON in request body.'],
    ['demo', [], 400],
    ['demo', { disk_format: 'x' }, 400, 'is not one of [None'],
    ['demo', { container_format: 'x' }, 400],
    ['demo', { name: 'x'.repeat(255) }, 201],
    ['demo', { name: 'x'.repeat(256) }, 400, 'is too long'],
    ['demo', { min_ram: -1 }, 400, 'Cannot be a negative value'],
    ['demo', { size_of_it: 5 }, 400, "5 is not of type 'string'"],
    ['demo', { id: 'x' }, 400],
    ['demo', { id: '11111111-1111-4111-8111-111111111111' }, 201],
    ['demo', { id: '11111111-1111-4111-8111-111111111111' }, 409],
    ['demo', { status: 'active' }, 403, "Attribute 'status' is read-only."],
    ['demo', { size: 5 }, 403],
    ['demo', { deleted: 'x' }, 403, "Attribute 'deleted' is reserved."],
    ['demo', { os_glance_x: 'x' }, 403],
    ['demo', { locations: [] }, 403],
    ['demo', { visibility: 'public' }, 403, 'publicize_image'],
    ['admin', { visibility: 'public' }, 201],
    ['demo', { visibility: 'community' }, 201],
    ['demo', { visibility: 'hidden' }, 400],
    ['demo', { owner: 'others' }, 403, "You are not permitted to create images owned by 'others'"],
    ['admin', { owner: 'others' }, 201],
    ['look', {}, 403, 'add_image'],
    ['service', {}, 403],
  ]
  for (const [who, body, status, told] of rows) {
    const answer = await cloud.as(who).send('POST /v2/images', body, { accept: 'application/json' })
    expect([body, answer.status]).toEqual([body, status])
    if (told) expect(answer.body.message).toContain(told)
  }
})

test('changes', async () => {
  const demo = cloud.as('demo')
  const id = await demo.create({ name: 'i', colour: 'red' })
  const rows: [operation: object, status: number, holds?: object][] = [
    [{ op: 'replace', path: '/name', value: 'j' }, 200, { name: 'j' }],
    [{ op: 'replace', path: '/name', value: null }, 200, { name: null }],
    [{ op: 'add', path: '/a~1b', value: 'c' }, 200, { 'a/b': 'c' }],
    [{ op: 'replace', path: '/colour', value: 'blue' }, 200, { colour: 'blue' }],
    [{ op: 'remove', path: '/colour' }, 200],
    [{ op: 'remove', path: '/colour' }, 409],
    [{ op: 'replace', path: '/colour', value: 'x' }, 409],
    [{ op: 'replace', path: '/tags', value: ['a', 'b', 'a'] }, 200, { tags: ['a', 'b'] }],
    [{ op: 'replace', path: '/min_disk', value: 7 }, 200, { min_disk: 7 }],
    [{ op: 'replace', path: '/min_disk', value: -7 }, 400],
    [{ op: 'replace', path: '/min_disk', value: '7' }, 400],
    [{ op: 'replace', path: '/disk_format', value: 'qcow2' }, 200, { disk_format: 'qcow2' }],
    [{ op: 'replace', path: '/visibility', value: 'private' }, 200, { visibility: 'private' }],
    [{ op: 'replace', path: '/visibility', value: 'public' }, 403],
    [{ op: 'replace', path: '/owner', value: 'alts' }, 403],
    [{ op: 'add', path: '/owner', value: 'alts' }, 403],
    [{ op: 'replace', path: '/status', value: 'active' }, 403],
    [{ op: 'replace', path: '/checksum', value: 'x' }, 403],
    [{ op: 'add', path: '/os_glance_x', value: 'x' }, 403],
    [{ op: 'remove', path: '/name' }, 403],
    [{ op: 'remove', path: '/stores' }, 409],
    [{ op: 'add', path: '/__proto__', value: 'x' }, 200],
    [{ op: 'replace', path: '/locations', value: [] }, 403],
    [{ op: 'move', path: '/name', value: 'x' }, 400],
    [{ path: '/name', value: 'x' }, 400],
    [{ op: 'add', path: 'name', value: 'x' }, 400],
    [{ op: 'add', path: '/a/b', value: 'x' }, 400],
    [{ op: 'add', path: '/a~2', value: 'x' }, 400],
    [{ op: 'add', path: '/a' }, 400],
  ]
  for (const [operation, status, holds] of rows) {
    const answer = await demo.patch(id, operation)
    expect([operation, answer.status]).toEqual([operation, status])
    if (holds) expect(answer.body).toMatchObject(holds)
  }
  expect(await demo.show(id)).not.toHaveProperty('colour')
  const old = { 'content-type': 'application/openstack-images-v2.0-json-patch' }
  expect((await demo.send(`PATCH /v2/images/${id}`, [{ replace: '/name', value: 'old' }], old)).body.name).toBe('old')
  expect((await demo.send(`PATCH /v2/images/${id}`, [{ add: '/name', value: 'old' }], old)).status).toBe(409)
  const plain = await demo.send(`PATCH /v2/images/${id}`, [], { 'content-type': 'application/json' })
  expect([plain.status, plain.header('accept-patch')]).toEqual([415, expect.stringContaining(patchType)])
  expect((await demo.patch(id, { op: 'replace', path: '/name', value: 'half' }, { op: 'remove', path: '/name' })).status).toBe(403)
  expect((await demo.show(id)).name).toBe('old')
})

test('a format is fixed once there are bytes; a protected image is not deleted', async () => {
  const demo = cloud.as('demo')
  const id = await demo.create()
  await demo.upload(id, 'x')
  expect((await demo.patch(id, { op: 'replace', path: '/disk_format', value: 'qcow2' })).status).toBe(403)
  expect((await demo.patch(id, { op: 'replace', path: '/protected', value: true })).status).toBe(200)
  expect((await demo.send(`DELETE /v2/images/${id}`)).status).toBe(403)
  expect((await demo.patch(id, { op: 'replace', path: '/protected', value: false })).status).toBe(200)
  expect((await demo.send(`DELETE /v2/images/${id}`)).status).toBe(204)
})

test('tags, one by one', async () => {
  const demo = cloud.as('demo')
  const id = await demo.create()
  expect((await demo.send(`PUT /v2/images/${id}/tags/a%20b`)).status).toBe(204)
  expect((await demo.show(id)).tags).toEqual(['a b'])
  expect((await demo.send(`PUT /v2/images/${id}/tags/${'x'.repeat(256)}`)).status).toBe(400)
  expect((await demo.send(`DELETE /v2/images/${id}/tags/a%20b`)).status).toBe(204)
  expect((await demo.send(`DELETE /v2/images/${id}/tags/a%20b`)).status).toBe(404)
})

describe('who may what', () => {
  const rows: [visibility: string, who: string, statuses: { get: number; file: number; patch: number; delete: number }][] = [
    ['private', 'alt', { get: 404, file: 404, patch: 404, delete: 404 }],
    ['shared', 'alt', { get: 404, file: 404, patch: 404, delete: 404 }],
    ['community', 'alt', { get: 200, file: 200, patch: 403, delete: 403 }],
    ['public', 'alt', { get: 200, file: 200, patch: 403, delete: 403 }],
    ['private', 'look', { get: 200, file: 403, patch: 403, delete: 403 }],
    ['public', 'service', { get: 404, file: 404, patch: 404, delete: 404 }],
    ['private', 'demo', { get: 200, file: 200, patch: 200, delete: 204 }],
    ['private', 'admin', { get: 200, file: 200, patch: 200, delete: 204 }],
  ]
  for (const [visibility, who, statuses] of rows)
    test(`${who} with a ${visibility} image`, async () => {
      const id = await cloud.as('admin').create({ visibility, owner: 'demos' })
      await cloud.as('admin').upload(id, 'x')
      const them = cloud.as(who)
      const seen = {
        get: (await them.send(`GET /v2/images/${id}`)).status,
        file: (await them.send(`GET /v2/images/${id}/file`)).status,
        patch: (await them.patch(id, { op: 'add', path: '/x', value: 'y' })).status,
        delete: (await them.send(`DELETE /v2/images/${id}`)).status,
      }
      expect(seen).toEqual(statuses)
    })
})

test('an image is shared with a project, which takes it or not', async () => {
  const [demo, alt] = [cloud.as('demo'), cloud.as('alt')]
  const id = await demo.create({ name: 'shared' })
  const listed = async (query = '') => (await alt.send(`GET /v2/images${query}`)).body.images.length
  expect((await alt.send(`POST /v2/images/${id}/members`, { member: 'alts' })).status).toBe(404)
  expect((await demo.send(`POST /v2/images/${id}/members`, { member: '' })).status).toBe(400)
  const made = await demo.send(`POST /v2/images/${id}/members`, { member: 'alts' })
  expect(made.body).toMatchObject({ member_id: 'alts', image_id: id, status: 'pending', schema: '/v2/schemas/member' })
  expect((await demo.send(`POST /v2/images/${id}/members`, { member: 'alts' })).status).toBe(409)
  await demo.send(`POST /v2/images/${id}/members`, { member: 'thirds' })
  expect((await demo.send(`GET /v2/images/${id}/members`)).body.members).toHaveLength(2)
  expect((await alt.send(`GET /v2/images/${id}/members`)).body.members).toHaveLength(1)
  expect((await alt.send(`GET /v2/images/${id}/members/thirds`)).status).toBe(404)
  expect((await alt.send(`GET /v2/images/${id}`)).status).toBe(200)
  expect([await listed(), await listed('?member_status=pending'), await listed('?member_status=all')]).toEqual([0, 1, 1])
  expect((await demo.send(`PUT /v2/images/${id}/members/alts`, { status: 'accepted' })).status).toBe(403)
  expect((await alt.send(`PUT /v2/images/${id}/members/alts`, { status: 'perhaps' })).status).toBe(400)
  expect((await alt.send(`PUT /v2/images/${id}/members/alts`, { status: 'accepted' })).body.status).toBe('accepted')
  expect([await listed(), await listed('?member_status=pending')]).toEqual([1, 0])
  expect((await alt.patch(id, { op: 'replace', path: '/name', value: 'mine' })).status).toBe(403)
  expect((await alt.send(`DELETE /v2/images/${id}/members/alts`)).status).toBe(403)
  expect((await demo.send(`DELETE /v2/images/${id}/members/alts`)).status).toBe(204)
  expect((await alt.send(`GET /v2/images/${id}`)).status).toBe(404)
  const own = await demo.create({ visibility: 'private' })
  expect((await demo.send(`POST /v2/images/${own}/members`, { member: 'alts' })).status).toBe(403)
  expect((await demo.send(`GET /v2/images/${own}/members`)).status).toBe(403)
})

test('lists are filtered, ordered and cut into pages', async () => {
  const demo = cloud.as('demo')
  const made: Record<string, string> = {}
  const bytes = { a: 'xxxxxxxxxx', b: 'xxx', c: 'xxxxx' }
  for (const [name, text] of Object.entries(bytes)) {
    made[name] = await demo.create({ name, kind: name === 'b' ? 'odd' : 'even', tags: ['all', `t${name}`] })
    await demo.upload(made[name], text)
    cloud.clock.time += 1000
  }
  made.q = await demo.create({ name: 'q,r', disk_format: null })
  made.hidden = await demo.create({ name: 'hidden', os_hidden: true })
  await cloud.as('admin').create({ name: 'pub', visibility: 'public' })
  await cloud.as('alt').create({ name: 'comm', visibility: 'community' })
  const list = async (query: string, who = 'demo') =>
    (await cloud.as(who).send(`GET /v2/images?${query}`)).body.images.map((one: { name: string }) => one.name).join(' ')
  const rows: [query: string, names: string][] = [
    ['tag=all', 'c b a'],
    ['tag=all&tag=tb', 'b'],
    ['kind=even', 'c a'],
    ['name=a', 'a'],
    ['name=in:a,c', 'c a'],
    ['name=in:a,%22q,r%22', 'q,r a'],
    ['name=eq:a', 'a'],
    ['status=queued&owner=demos', 'q,r'],
    ['status=in:active,queued&tag=ta', 'a'],
    ['size_min=4&size_max=9', 'c'],
    ['size_min=5&tag=all', 'c a'],
    [`id=in:${made.a},${made.b}`, 'b a'],
    ['os_hidden=true', 'hidden'],
    ['visibility=public', 'pub'],
    ['visibility=community', 'comm'],
    ['visibility=shared&tag=all', 'c b a'],
    ['protected=false&tag=all', 'c b a'],
    ['protected=true', ''],
    ['disk_format=raw&tag=all', 'c b a'],
    ['created_at=gt:2026-01-01T00:00:00Z&tag=all', 'c b'],
    ['created_at=gte:2026-01-01T00:00:00Z&tag=all', 'c b a'],
    ['created_at=lt:2026-01-01T00:00:01Z&tag=all', 'a'],
    ['sort=name:asc&tag=all', 'a b c'],
    ['sort_key=size&sort_dir=asc&tag=all', 'b c a'],
    ['sort=size&tag=all', 'a c b'],
    ['sort=container_format,name:asc&tag=all', 'a b c'],
    ['limit=2&tag=all', 'c b'],
    [`limit=2&tag=all&marker=${made.b}`, 'a'],
    [`limit=2&tag=all&marker=${made.q}`, 'c b'],
    ['limit=0', ''],
    ['no_such_property=x', ''],
  ]
  for (const [query, names] of rows) expect([query, await list(query)]).toEqual([query, names])
  expect(await list('', 'alt')).toBe('comm pub')
  expect(await list('visibility=all', 'admin')).toBe('comm pub q,r c b a')
  const page = (await demo.send('GET /v2/images?limit=2&tag=all')).body
  expect(page).toMatchObject({
    first: '/v2/images?limit=2&tag=all',
    next: `/v2/images?limit=2&tag=all&marker=${made.b}`,
    schema: '/v2/schemas/images',
  })
  const rest = (await demo.send(`GET ${page.next}`)).body
  expect(rest.images).toHaveLength(1)
  expect(rest).not.toHaveProperty('next')
  const wrong = [
    'limit=-1',
    'limit=x',
    'sort_key=owner',
    'sort_dir=up',
    'sort=name&sort_dir=asc',
    'visibility=x',
    'member_status=x',
    'os_hidden=x',
  ]
  wrong.push(
    'protected=x',
    'marker=none',
    'size_min=x',
    'created_at=x',
    'name=gt:x',
    'changes-since=x',
    'sort_key=name&sort_dir=asc&sort_dir=asc',
  )
  for (const query of wrong) expect([query, (await demo.send(`GET /v2/images?${query}`)).status]).toEqual([query, 400])
})

test('errors come as HTML, or as JSON or text for who accepts no HTML', async () => {
  const send = (accept: string) => cloud.as('demo').send('GET /v2/images/a<b', undefined, { accept })
  const html = await send('*/*')
  expect(html.header('content-type')).toBe('text/html; charset=UTF-8')
  expect(html.body).toBe(
    '<html>\n <head>\n  <title>404 Not Found</title>\n </head>\n <body>\n  <h1>404 Not Found</h1>\n  No image found with ID a&lt;b<br /><br />\n\n\n\n </body>\n</html>',
  )
  expect((await send('application/json')).body).toEqual({
    message: 'No image found with ID a<b<br /><br />\n\n\n',
    code: '404 Not Found',
    title: 'Not Found',
  })
  expect((await send('text/plain')).header('content-type')).toBe('text/plain; charset=UTF-8')
  const stranger = await cloud.as('nobody').send('GET /v2/images')
  expect([stranger.status, stranger.header('www-authenticate')]).toEqual([401, 'Keystone uri="http://cloud:5000/v3"'])
})

test('versions, schemas, stores; and what is not built says so', async () => {
  const demo = cloud.as('demo')
  const rows: [route: string, status: number][] = [
    ['GET /', 300],
    ['GET /versions', 200],
    ['GET /v3', 300],
    ['GET /v2/nothing', 404],
    ['PUT /v2/images', 405],
    ['GET /v2/schemas/image', 200],
    ['GET /v2/schemas/images', 200],
    ['GET /v2/schemas/member', 200],
    ['GET /v2/schemas/members', 200],
    ['GET /v2/info/stores', 200],
    ['GET /v2/metadefs/namespaces', 501],
    ['GET /v2/tasks', 501],
    ['GET /v2/images/x/locations', 501],
  ]
  for (const [route, status] of rows) expect([route, (await demo.send(route)).status]).toEqual([route, status])
  const { versions } = (await demo.send('GET /')).body
  expect(versions.filter((one: { status: string }) => one.status === 'CURRENT')).toEqual([
    { id: 'v2.17', status: 'CURRENT', links: [{ rel: 'self', href: 'http://cloud:9292/v2/' }] },
  ])
  expect((await demo.send('GET /v2/info/import')).body['import-methods'].value).toEqual(['glance-direct'])
})

test('the first image is there once, public, and the same bytes in each cloud', async () => {
  await cloud.seed(null)
  await cloud.seed(null)
  const { images } = (await cloud.as('alt').send('GET /v2/images')).body
  expect(images).toHaveLength(1)
  expect(images[0]).toMatchObject({ name: 'cirros', status: 'active', visibility: 'public', size: 1 << 20, disk_format: 'raw' })
  const file = await cloud.as('alt').send(`GET /v2/images/${images[0].id}/file`)
  expect(createHash('md5').update(file.bytes).digest('hex')).toBe(images[0].checksum)
  expect(file.bytes.readUInt16LE(510)).toBe(0xaa55)
  const other = start()
  await other.seed('admins')
  expect((await other.as('admin').send('GET /v2/images')).body.images[0]).toMatchObject({ checksum: images[0].checksum, owner: 'admins' })
  await cloud.as('admin').send(`DELETE /v2/images/${images[0].id}`)
  await restarted(cloud).seed(null)
  expect((await cloud.as('alt').send('GET /v2/images')).body.images).toEqual([])
})

test('a role in a domain counts for nothing', async () => {
  const id = await cloud.as('admin').create({ visibility: 'public' })
  const statuses = ['GET /v2/images', `GET /v2/images/${id}`, 'POST /v2/images'].map(
    async (route) => (await cloud.as('domain').send(route, route.startsWith('POST') ? {} : undefined)).status,
  )
  expect(await Promise.all(statuses)).toEqual([403, 404, 403])
})
