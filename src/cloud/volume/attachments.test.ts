import { describe, expect, test } from 'vitest'
import { id, testVolumes } from './fixture.ts'

const server = id(1)

test('the life of an attachment, and what becomes of the volume', async () => {
  const t = testVolumes()
  const disk = await t.disk()
  const body = { attachment: { volume_uuid: disk, instance_uuid: server, connector: null } }
  const { attachment } = await t.make('POST /attachments', body)
  expect(attachment).toMatchObject({ status: 'reserved', instance: server, volume_id: disk, connection_info: {} })
  expect(await t.show(disk)).toMatchObject({ status: 'reserved', attachments: [] })
  const connected = await t.make(`PUT /attachments/${attachment.id}`, { attachment: { connector: { host: 'h1', mountpoint: '/dev/sdb' } } })
  expect(connected.attachment.connection_info).toMatchObject({ driver_volume_type: 'iscsi', attachment_id: attachment.id })
  expect((await t.show(disk)).status).toBe('attaching')
  expect((await t.call('ann', 44, `POST /attachments/${attachment.id}/action`, { 'os-complete': null })).status).toBe(204)
  expect(await t.show(disk)).toMatchObject({
    status: 'in-use',
    attachments: [{ server_id: server, attachment_id: attachment.id, device: '/dev/sdb', host_name: 'h1' }],
  })
  expect((await t.asService('ann', 44, `DELETE /attachments/${attachment.id}`)).body).toEqual({ attachments: [] })
  expect(await t.show(disk)).toMatchObject({ status: 'available', attachments: [] })
})

describe('versions', () => {
  const rows: [version: number, route: string, status: number][] = [
    [26, 'GET /attachments', 404],
    [27, 'GET /attachments', 200],
    [43, 'complete', 404],
    [44, 'complete', 204],
    [53, 'mode', 400],
    [54, 'mode', 200],
  ]
  for (const [version, route, status] of rows)
    test(`3.${version} ${route} → ${status}`, async () => {
      const t = testVolumes()
      const disk = await t.disk()
      const body = { attachment: { volume_uuid: disk, instance_uuid: server, ...(route === 'mode' && { mode: 'ro' }) } }
      if (route === 'mode') return expect((await t.call('ann', version, 'POST /attachments', body)).status).toBe(status)
      const { attachment } = await t.make('POST /attachments', body)
      const asked =
        route === 'complete'
          ? await t.call('ann', version, `POST /attachments/${attachment.id}/action`, { 'os-complete': null })
          : await t.call('ann', version, route)
      expect(asked.status).toBe(status)
    })
})

describe('who may have a volume', () => {
  test('one server, and the same again while it moves', async () => {
    const t = testVolumes()
    const disk = await t.disk()
    await t.attach(disk, server)
    const second = (instance_uuid: string) => t.call('ann', 44, 'POST /attachments', { attachment: { volume_uuid: disk, instance_uuid } })
    expect((await second(id(2))).status).toBe(400)
    const moving = await second(server)
    expect(moving.status).toBe(200)
    // two hosts at once, as in a live migration; the second has to come with its connector
    const refused = await t.call('ann', 44, `PUT /attachments/${moving.body.attachment.id}`, { attachment: { connector: { host: 'h2' } } })
    expect([refused.status, refused.body.conflictingRequest.message]).toEqual([409, expect.stringContaining('duplicate connectors')])
  })

  test('several, of a type that says so: it is free when the last one has gone', async () => {
    const t = testVolumes()
    const disk = await t.disk({ volume_type: 'multi' })
    const [first, second] = [await t.attach(disk, id(1)), await t.attach(disk, id(2))]
    expect((await t.show(disk)).attachments).toHaveLength(2)
    await t.asService('ann', 44, `DELETE /attachments/${first}`)
    expect((await t.show(disk)).status).toBe('in-use')
    await t.asService('ann', 44, `DELETE /attachments/${second}`)
    expect((await t.show(disk)).status).toBe('available')
  })

  test('nobody, while it is in error', async () => {
    const t = testVolumes()
    const disk = await t.disk()
    await t.act(disk, 'os-reset_status', { status: 'error' }, 'admin')
    const { status, body } = await t.call('ann', 44, 'POST /attachments', { attachment: { volume_uuid: disk, instance_uuid: server } })
    expect([status, body.badRequest.message]).toEqual([400, expect.stringContaining('if the volume is in an error state')])
  })

  test('nobody of another project', async () => {
    const t = testVolumes()
    const body = { attachment: { volume_uuid: await t.disk(), instance_uuid: server } }
    expect((await t.call('bob', 44, 'POST /attachments', body)).status).toBe(404)
  })
})

describe('taking it away from a server', () => {
  test('is for services, unless the server has let go of it', async () => {
    const t = testVolumes()
    const disk = await t.disk()
    const attachment = await t.attach(disk, server)
    const refused = await t.call('ann', 44, `DELETE /attachments/${attachment}`)
    expect([refused.status, refused.body.conflictingRequest.message]).toEqual([409, expect.stringContaining('ConflictNovaUsingAttachment')])
    expect((await t.act(disk, 'os-detach', {})).status).toBe(409)
    t.held.clear()
    expect((await t.call('ann', 44, `DELETE /attachments/${attachment}`)).status).toBe(200)
  })

  test('one that was only reserved may be given back by anybody who sees it', async () => {
    const t = testVolumes()
    const disk = await t.disk()
    const { attachment } = await t.make('POST /attachments', { attachment: { volume_uuid: disk, instance_uuid: server } })
    expect((await t.call('bob', 44, `DELETE /attachments/${attachment.id}`)).status).toBe(404)
    expect((await t.call('ann', 44, `DELETE /attachments/${attachment.id}`)).status).toBe(200)
    expect((await t.show(disk)).status).toBe('available')
  })
})

test('lists are those of the project, or of a volume, or of everybody', async () => {
  const t = testVolumes()
  const [one, two] = [await t.disk(), await t.disk()]
  await t.attach(one, id(1))
  const second = await t.attach(two, id(2))
  const ids = async (who: 'ann' | 'bob' | 'admin', query: string) =>
    (await t.call(who, 44, `GET /attachments${query}`)).body.attachments.map((each: { instance: string }) => each.instance)
  expect(await ids('ann', '')).toEqual([id(2), id(1)])
  expect(await ids('ann', `?volume_id=${two}`)).toEqual([id(2)])
  expect(await ids('ann', `?instance_id=${id(1)}`)).toEqual([id(1)])
  expect(await ids('bob', '?all_tenants=1')).toEqual([])
  expect(await ids('admin', '?all_tenants=1')).toEqual([id(2), id(1)])
  expect((await t.call('ann', 44, `GET /attachments/${second}`)).body.attachment.status).toBe('attached')
})
