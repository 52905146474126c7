import { describe, expect, test } from 'vitest'
import { id, type Person, type TestVolumes, testVolumes } from './fixture.ts'

const statusOf = async (t: TestVolumes, volumeId: string) => (await t.show(volumeId)).status

describe('new volumes', () => {
  test('one from nothing, as it is told and then shown', async () => {
    const t = testVolumes()
    const answer = await t.call('ann', 71, 'POST /volumes', { volume: { size: 2, name: ' data ', metadata: { a: 'b' } } })
    expect(answer.status).toBe(202)
    expect(answer.body.volume).toMatchObject({ status: 'creating', size: 2, name: 'data', bootable: 'false', multiattach: false })
    expect(await t.show(answer.body.volume.id)).toMatchObject({
      status: 'available',
      volume_type: 'peer',
      metadata: { a: 'b' },
      attachments: [],
      'os-vol-host-attr:host': 'peer@one#peer',
      'os-vol-tenant-attr:tenant_id': 'one',
    })
  })

  test('what the image says of itself goes with its volume', async () => {
    const t = testVolumes()
    const volume = await t.show(await t.disk({ imageRef: id(71) }))
    expect(volume).toMatchObject({
      bootable: 'true',
      volume_image_metadata: { image_id: id(71), hw_disk_bus: 'virtio', size: '1073741824' },
    })
  })

  test('from a snapshot and from a volume: at least as large, and bootable when they are', async () => {
    const t = testVolumes()
    const first = await t.disk({ size: 2, imageRef: id(71) })
    const { snapshot } = await t.make('POST /snapshots', { snapshot: { volume_id: first, name: 's' } })
    for (const source of [{ snapshot_id: snapshot.id }, { source_volid: first }]) {
      expect((await t.call('ann', 71, 'POST /volumes', { volume: { size: 1, ...source } })).status).toBe(400)
      const { volume } = await t.make('POST /volumes', { volume: source })
      expect(await t.show(volume.id)).toMatchObject({ size: 2, bootable: 'true', ...source, volume_image_metadata: { image_id: id(71) } })
    }
  })

  test('of the type multi is one that several servers may have', async () => {
    const t = testVolumes()
    expect(await t.show(await t.disk({ volume_type: 'multi' }))).toMatchObject({ multiattach: true, volume_type: 'multi' })
  })

  test('a request that is repeated with the same key makes one, for each project', async () => {
    const t = testVolumes()
    const ask = (who: Person, key: string) =>
      t.call(who, 71, 'POST /volumes', { volume: { size: 1 } }, { 'idempotency-key': key }).then(({ body }) => body.volume.id)
    const first = await ask('ann', 'k')
    expect(await ask('ann', 'k')).toBe(first)
    expect(await ask('ann', 'other')).not.toBe(first)
    expect(await ask('bob', 'k')).not.toBe(first)
  })

  const refused: [label: string, volume: object, status: number, told: string][] = [
    ['no size', {}, 400, 'malformed or otherwise incorrect'],
    ['size 0', { size: 0 }, 400, 'size'],
    ['unknown type', { size: 1, volume_type: 'none' }, 404, 'Volume type with name none could not be found.'],
    ['unknown image', { size: 1, imageRef: id(5) }, 400, 'Invalid image identifier'],
    ['an image that is too large', { size: 2, imageRef: id(72) }, 400, 'Size of specified image 3GB is larger than volume size 2GB.'],
    ['an image without bytes', { size: 2, imageRef: id(73) }, 400, `Image ${id(73)} is not active.`],
    ['unknown snapshot', { size: 1, snapshot_id: id(5) }, 404, `Snapshot ${id(5)} could not be found.`],
    ['unknown zone', { size: 1, availability_zone: 'x' }, 400, "Availability zone 'x' is invalid."],
    ['a group', { size: 1, group_id: id(5) }, 501, 'This volume service has no groups.'],
    ['a backup', { size: 1, backup_id: id(5) }, 501, 'This volume service has no backups.'],
    ['two sources', { size: 1, snapshot_id: id(5), source_volid: id(6) }, 404, 'Snapshot'],
  ]
  for (const [label, volume, status, told] of refused)
    test(`${label} → ${status}`, async () => {
      const answer = await testVolumes().call('ann', 71, 'POST /volumes', { volume })
      expect([answer.status, Object.values<{ message: string }>(answer.body)[0]!.message]).toEqual([status, expect.stringContaining(told)])
    })
})

describe('whose they are', () => {
  const rows: [who: Person, method: string, status: number][] = [
    ['ann', 'GET', 200],
    ['admin', 'GET', 200],
    ['bob', 'GET', 404],
    ['bob', 'DELETE', 404],
    ['ann', 'DELETE', 202],
  ]
  for (const [who, method, status] of rows)
    test(`${method} as ${who} → ${status}`, async () => {
      const t = testVolumes()
      expect((await t.call(who, 71, `${method} /volumes/${await t.disk()}`)).status).toBe(status)
    })

  test('nobody → 401, with where to log in', async () => {
    const answer = await testVolumes().call(undefined, 71, 'GET /volumes')
    expect([answer.status, answer.header('www-authenticate')]).toEqual([401, 'Keystone uri="http://cloud:5000/v3"'])
  })

  test('another project in the path → 400', async () => {
    const t = testVolumes()
    expect((await t.call('ann', 71, 'GET /two/volumes')).status).toBe(404)
    expect((await t.call('ann', 71, 'GET /00aa/volumes')).status).toBe(400)
  })
})

describe('lists', () => {
  const grown = async () => {
    const t = testVolumes()
    for (const name of ['a', 'b', 'c']) await t.disk({ name, size: name === 'b' ? 5 : 1, metadata: { name } })
    await t.make('POST /volumes', { volume: { size: 1, name: 'd' } }, 'bob')
    return t
  }
  const rows: [who: Person, query: string, names: string[]][] = [
    ['ann', '', ['c', 'b', 'a']],
    ['ann', '?sort=name:asc', ['a', 'b', 'c']],
    ['ann', '?sort=size:desc,name:asc', ['b', 'a', 'c']],
    ['ann', '?limit=2', ['c', 'b']],
    ['ann', '?offset=2', ['a']],
    ['ann', '?name=b', ['b']],
    ['ann', '?status=available&limit=1&sort=name:asc', ['a']],
    ['ann', "?metadata={'name':'c'}", ['c']],
    ['ann', '?all_tenants=1', ['c', 'b', 'a']],
    ['admin', '?all_tenants=1', ['d', 'c', 'b', 'a']],
    ['admin', '', []],
  ]
  for (const [who, query, names] of rows)
    test(`${query || 'all'} as ${who}`, async () => {
      const { body } = await (await grown()).call(who, 71, `GET /volumes/detail${query}`)
      expect(body.volumes.map(({ name }: { name: string }) => name)).toEqual(names)
    })

  test('the next page begins where this one ends', async () => {
    const t = await grown()
    const { body } = await t.call('ann', 71, 'GET /volumes?limit=2')
    const next = new URL(body.volumes_links[0].href)
    const second = await t.call('ann', 71, `GET ${next.pathname.replace('/v3', '')}${next.search}`)
    expect(second.body.volumes.map(({ name }: { name: string }) => name)).toEqual(['a'])
  })

  for (const [version, status] of [
    [30, 200],
    [31, 400],
  ] as const)
    test(`3.${version} a filter that users may not use → ${status}`, async () => {
      expect((await (await grown()).call('ann', version, 'GET /volumes?host=x')).status).toBe(status)
    })
})

describe('going', () => {
  test('not while a server has it, nor while it has snapshots, unless they may go as well', async () => {
    const t = testVolumes()
    const used = await t.disk()
    await t.attach(used, id(1))
    expect((await t.call('ann', 71, `DELETE /volumes/${used}`)).status).toBe(400)
    const copied = await t.disk()
    await t.make('POST /snapshots', { snapshot: { volume_id: copied } })
    expect((await t.call('ann', 71, `DELETE /volumes/${copied}`)).status).toBe(400)
    expect((await t.call('ann', 71, `DELETE /volumes/${copied}?cascade=true`)).status).toBe(202)
    expect((await t.call('ann', 71, 'GET /snapshots')).body.snapshots).toEqual([])
  })

  test('by force for administrators, from 3.23', async () => {
    const t = testVolumes()
    const stuck = await t.disk()
    await t.act(stuck, 'os-reset_status', { status: 'creating' }, 'admin')
    expect((await t.call('ann', 23, `DELETE /volumes/${stuck}?force=true`)).status).toBe(403)
    expect((await t.call('admin', 22, `DELETE /volumes/${stuck}?force=true`)).status).toBe(400)
    expect((await t.call('admin', 23, `DELETE /volumes/${stuck}?force=true`)).status).toBe(202)
  })
})

test('what is kept outlives the process, and an upload that was cut off does not hold the volume', async () => {
  const { openShelf } = await import('../shelf.ts')
  const shelf = openShelf(':memory:')
  const before = testVolumes({ shelf })
  const kept = await before.disk({ name: 'kept' })
  await before.act(kept, 'os-reset_status', { status: 'uploading' }, 'admin')
  const after = testVolumes({ shelf })
  expect(await statusOf(after, kept)).toBe('available')
  expect((await after.make('GET /types')).volume_types).toHaveLength(3)
})

describe('metadata', () => {
  const rows: [label: string, route: string, body: unknown, status: number, left: object][] = [
    ['add', 'POST metadata', { metadata: { b: '2' } }, 200, { a: '1', b: '2' }],
    ['replace', 'PUT metadata', { metadata: { b: '2' } }, 200, { b: '2' }],
    ['one', 'PUT metadata/a', { meta: { a: '3' } }, 200, { a: '3' }],
    ['another one than in the path', 'PUT metadata/a', { meta: { b: '3' } }, 400, { a: '1' }],
    ['remove', 'DELETE metadata/a', undefined, 200, {}],
    ['remove what is not there', 'DELETE metadata/z', undefined, 404, { a: '1' }],
  ]
  for (const [label, route, body, status, left] of rows)
    test(`${label} → ${status}`, async () => {
      const t = testVolumes()
      const disk = await t.disk({ metadata: { a: '1' } })
      const [method, rest] = route.split(' ')
      expect((await t.call('ann', 71, `${method} /volumes/${disk}/${rest}`, body)).status).toBe(status)
      expect((await t.show(disk)).metadata).toEqual(left)
    })

  test('its Etag is the sum of the JSON that Python would write', async () => {
    const t = testVolumes()
    const disk = await t.disk({ metadata: { a: 'größe' } })
    const etag = async (minor: number) => (await t.call('ann', minor, `GET /volumes/${disk}/metadata`)).header('Etag')
    expect([await etag(14), await etag(15)]).toEqual([undefined, '204097a24ead46614cf6c736b357b85e'])
  })
})
