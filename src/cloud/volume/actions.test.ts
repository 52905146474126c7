import { describe, expect, test } from 'vitest'
import { openShelf } from '../shelf.ts'
import { id, type Person, testVolumes } from './fixture.ts'

const server = id(1)

describe('growing', () => {
  const rows: [version: number, inUse: boolean, size: number, status: number][] = [
    [41, false, 2, 202],
    [41, true, 2, 400],
    [42, true, 2, 202],
    [42, true, 1, 400],
    [42, false, 0, 400],
  ]
  for (const [version, inUse, size, status] of rows)
    test(`3.${version} to ${size} GiB${inUse ? ' while in use' : ''} → ${status}`, async () => {
      const t = testVolumes()
      const disk = await t.disk()
      if (inUse) await t.attach(disk, server)
      expect((await t.act(disk, 'os-extend', { new_size: size }, 'ann', version)).status).toBe(status)
      expect((await t.show(disk)).size).toBe(status === 202 ? 2 : 1)
      await expect.poll(() => t.told).toEqual(status === 202 && inUse ? [`volume-extended ${server} ${disk}`] : [])
    })
})

describe('another back end', () => {
  test('a free volume moves at once', async () => {
    const t = testVolumes()
    const disk = await t.disk()
    const before = (await t.show(disk))['os-vol-host-attr:host']
    const host = before.replace('@one', '@two')
    expect((await t.act(disk, 'os-migrate_volume', { host })).status).toBe(403)
    expect((await t.act(disk, 'os-migrate_volume', { host: 'x@y#z' }, 'admin')).status).toBe(400)
    expect((await t.act(disk, 'os-migrate_volume', { host: before }, 'admin')).status).toBe(400)
    expect((await t.act(disk, 'os-migrate_volume', { host }, 'admin')).status).toBe(202)
    expect(await t.show(disk)).toMatchObject({ 'os-vol-host-attr:host': host, migration_status: 'success', status: 'available' })
  })

  test('of one in use its server is asked to swap it for another, which then takes its name', async () => {
    const t = testVolumes()
    const disk = await t.disk()
    const old = await t.attach(disk, server)
    const host = (await t.show(disk))['os-vol-host-attr:host'].replace('@one', '@two')
    expect((await t.act(disk, 'os-migrate_volume', { host }, 'admin')).status).toBe(202)
    await expect.poll(() => t.told).toHaveLength(1)
    const [, , from, target] = t.told[0]!.split(' ') as [string, string, string, string]
    expect(from).toBe(disk)
    expect((await t.call('ann', 71, `GET /volumes?all_tenants=1`)).body.volumes).toHaveLength(1)
    // what Nova does: the new one attached, the old one given back, and the end told
    const { attachment } = await t.make('POST /attachments', { attachment: { volume_uuid: target, instance_uuid: server } }, 'admin')
    await t.make(`PUT /attachments/${attachment.id}`, { attachment: { connector: { host: 'h1' } } }, 'admin')
    await t.make(`POST /attachments/${attachment.id}/action`, { 'os-complete': null }, 'admin')
    await t.asService('ann', 44, `DELETE /attachments/${old}`)
    const done = await t.act(disk, 'os-migrate_volume_completion', { new_volume: target }, 'admin')
    expect(done.body).toEqual({ save_volume_id: disk })
    expect(await t.show(disk)).toMatchObject({
      status: 'in-use',
      migration_status: 'success',
      'os-vol-host-attr:host': host,
      attachments: [{ attachment_id: attachment.id, server_id: server }],
    })
    expect((await t.call('admin', 71, `GET /volumes/${target}`)).status).toBe(404)
  })

  for (const [begun, migration] of [
    [false, 'error'],
    [true, 'migrating'],
  ] as const)
    test(`after a restart a move that ${begun ? 'a server has begun goes on' : 'no server has heard of is over'}`, async () => {
      const shelf = openShelf(':memory:')
      const t = testVolumes({ shelf })
      const disk = await t.disk()
      await t.attach(disk, server)
      const host = (await t.show(disk))['os-vol-host-attr:host'].replace('@one', '@two')
      await t.act(disk, 'os-migrate_volume', { host }, 'admin')
      await expect.poll(() => t.told).toHaveLength(1)
      const volume_uuid = t.told[0]!.split(' ')[3]!
      if (begun) await t.make('POST /attachments', { attachment: { volume_uuid, instance_uuid: server } }, 'admin')
      const after = testVolumes({ shelf })
      expect(await after.show(disk)).toMatchObject({ status: 'in-use', migration_status: migration })
      expect((await after.call('admin', 71, `GET /volumes/${volume_uuid}`)).status).toBe(begun ? 200 : 404)
    })

  test('a swap that failed leaves everything as it was', async () => {
    const t = testVolumes()
    const disk = await t.disk()
    await t.attach(disk, server)
    const host = (await t.show(disk))['os-vol-host-attr:host'].replace('@one', '@two')
    await t.act(disk, 'os-migrate_volume', { host }, 'admin')
    await expect.poll(() => t.told).toHaveLength(1)
    const target = t.told[0]!.split(' ')[3]!
    await t.act(disk, 'os-migrate_volume_completion', { new_volume: target, error: true }, 'admin')
    expect(await t.show(disk)).toMatchObject({ status: 'in-use', migration_status: 'error' })
    expect((await t.call('admin', 71, `GET /volumes/${target}`)).status).toBe(404)
  })
})

describe('another type', () => {
  const rows: [inUse: boolean, type: string, status: number][] = [
    [false, 'multi', 202],
    [true, 'multi', 400],
    [false, 'peer', 400],
    [false, 'none', 404],
  ]
  for (const [inUse, new_type, status] of rows)
    test(`${new_type}${inUse ? ' while in use' : ''} → ${status}`, async () => {
      const t = testVolumes()
      const disk = await t.disk()
      if (inUse) await t.attach(disk, server)
      expect((await t.act(disk, 'os-retype', { new_type, migration_policy: 'never' })).status).toBe(status)
      expect((await t.show(disk)).multiattach).toBe(status === 202)
    })
})

describe('images', () => {
  for (const [version, status] of [
    [67, 404],
    [68, 202],
  ] as const)
    test(`3.${version} written anew from one → ${status}; who has it reserved is told`, async () => {
      const t = testVolumes()
      const disk = await t.disk({ imageRef: id(71), size: 4 })
      await t.make('POST /attachments', { attachment: { volume_uuid: disk, instance_uuid: server } })
      const answer = await t.act(disk, 'os-reimage', { image_id: id(72), reimage_reserved: true }, 'ann', version)
      expect(answer.status).toBe(status)
      expect((await t.show(disk)).volume_image_metadata.image_id).toBe(status === 202 ? id(72) : id(71))
      await expect.poll(() => t.told).toEqual(status === 202 ? [`volume-reimaged ${server} ${disk}`] : [])
    })

  test('not while a server uses it, nor from an image that does not fit', async () => {
    const t = testVolumes()
    const disk = await t.disk()
    expect((await t.act(disk, 'os-reimage', { image_id: id(72) })).status).toBe(400)
    await t.attach(disk, server)
    expect((await t.act(disk, 'os-reimage', { image_id: id(71) })).status).toBe(400)
  })

  test('one is made of a volume, which is free again when the bytes are there', async () => {
    const t = testVolumes()
    const disk = await t.disk()
    const { status, body } = await t.act(disk, 'os-volume_upload_image', { image_name: 'i' })
    expect([status, body['os-volume_upload_image'].status]).toEqual([202, 'uploading'])
    await expect.poll(() => t.told).toEqual([`bytes of ${body['os-volume_upload_image'].image_id}`])
    expect((await t.show(disk)).status).toBe('available')
  })
})

describe('small changes', () => {
  const rows: [action: string, args: unknown, who: Person, status: number, seen: object][] = [
    ['os-set_bootable', { bootable: true }, 'ann', 200, { bootable: 'true' }],
    ['os-update_readonly_flag', { readonly: true }, 'ann', 202, { metadata: { readonly: 'True' } }],
    ['os-reset_status', { status: 'error' }, 'ann', 403, { status: 'available' }],
    ['os-reset_status', { status: 'error' }, 'admin', 202, { status: 'error' }],
    ['os-reset_status', { status: 'nothing' }, 'admin', 400, { status: 'available' }],
    ['os-reset_status', { status: 'in-use' }, 'admin', 400, { status: 'available' }],
    ['os-reserve', null, 'ann', 202, { status: 'attaching' }],
    ['os-unreserve', null, 'ann', 202, { status: 'available' }],
    ['os-begin_detaching', null, 'ann', 400, { status: 'available' }],
    ['os-nothing', null, 'ann', 400, { status: 'available' }],
  ]
  for (const [action, args, who, status, seen] of rows)
    test(`${action} ${JSON.stringify(args)} as ${who} → ${status}`, async () => {
      const t = testVolumes()
      const disk = await t.disk()
      expect((await t.act(disk, action, args, who)).status).toBe(status)
      expect(await t.show(disk)).toMatchObject(seen)
    })

  test('a detachment begins and is taken back', async () => {
    const t = testVolumes()
    const disk = await t.disk()
    await t.attach(disk, server)
    expect((await t.act(disk, 'os-begin_detaching', null)).status).toBe(202)
    expect((await t.show(disk)).status).toBe('detaching')
    expect((await t.act(disk, 'os-roll_detaching', null)).status).toBe(202)
    expect((await t.show(disk)).status).toBe('in-use')
  })
})

describe('snapshots', () => {
  const rows: [version: number, force: boolean | undefined, inUse: boolean, status: number][] = [
    [65, undefined, false, 202],
    [65, undefined, true, 400],
    [65, true, true, 202],
    [66, undefined, true, 202],
    [66, false, false, 400],
    [66, true, true, 202],
  ]
  for (const [version, force, inUse, status] of rows)
    test(`3.${version} force ${force}${inUse ? ' while in use' : ''} → ${status}`, async () => {
      const t = testVolumes()
      const disk = await t.disk()
      if (inUse) await t.attach(disk, server)
      const body = { snapshot: { volume_id: disk, name: 's', ...(force !== undefined && { force }) } }
      expect((await t.call('ann', version, 'POST /snapshots', body)).status).toBe(status)
    })

  test('a volume goes back to its latest one only', async () => {
    const t = testVolumes()
    const disk = await t.disk()
    const first = (await t.make('POST /snapshots', { snapshot: { volume_id: disk } })).snapshot.id
    const second = (await t.make('POST /snapshots', { snapshot: { volume_id: disk } })).snapshot.id
    expect((await t.act(disk, 'revert', { snapshot_id: first })).status).toBe(400)
    expect((await t.act(disk, 'revert', { snapshot_id: second })).status).toBe(202)
  })
})

describe('going over to another project', () => {
  test('with the key that the offer told, and not with another', async () => {
    const t = testVolumes()
    const disk = await t.disk()
    const { transfer } = await t.make('POST /volume-transfers', { transfer: { volume_id: disk } })
    expect((await t.show(disk)).status).toBe('awaiting-transfer')
    const accept = (auth_key: string) => t.call('bob', 71, `POST /volume-transfers/${transfer.id}/accept`, { accept: { auth_key } })
    expect((await accept('0000000000000000')).status).toBe(400)
    expect((await accept(transfer.auth_key)).status).toBe(202)
    expect(await t.show(disk)).toMatchObject({ status: 'available', 'os-vol-tenant-attr:tenant_id': 'two' })
  })
})
