import { describe, expect, test } from 'vitest'
import { id, type Person, testVolumes } from './fixture.ts'

describe('versions', () => {
  const rows: [header: string, status: number, served: string | undefined][] = [
    ['volume 3.0', 200, 'volume 3.0'],
    ['volume 3.71', 200, 'volume 3.71'],
    ['volume latest', 200, 'volume 3.71'],
    ['compute 2.1', 200, 'volume 3.0'],
    ['volume 3.72', 406, undefined],
    ['volume 2.0', 406, undefined],
    ['volume 3', 400, undefined],
  ]
  for (const [header, status, served] of rows)
    test(`${header} → ${status}`, async () => {
      const answer = await testVolumes().call('ann', 0, 'GET /volumes', undefined, { 'openstack-api-version': header })
      expect([answer.status, answer.header('openstack-api-version')]).toEqual([status, served])
    })
})

describe('what is not built says so, and what does not exist is not found', () => {
  const rows: [route: string, status: number][] = [
    ['GET /backups', 501],
    ['POST /groups', 501],
    ['GET /group_types', 501],
    ['GET /consistencygroups/detail', 501],
    ['GET /manageable_volumes', 501],
    ['PUT /os-services/freeze', 501],
    ['GET /nothing', 404],
    ['GET /volumes/x', 404],
    ['PATCH /volumes', 404],
    ['POST /volumes', 400],
  ]
  for (const [route, status] of rows)
    test(`${route} → ${status}`, async () => expect((await testVolumes().call('ann', 71, route)).status).toBe(status))
})

describe('quotas', () => {
  const limit = async (limits: object) => {
    const t = testVolumes()
    await t.make('PUT /os-quota-sets/one', { quota_set: limits }, 'admin')
    return t
  }
  const rows: [limits: object, size: number, told: string | undefined][] = [
    [{ volumes: 2 }, 1, undefined],
    [{ volumes: 1 }, 1, "Maximum number of volumes allowed (1) exceeded for quota 'volumes'."],
    [{ gigabytes: 3 }, 2, undefined],
    [
      { gigabytes: 3 },
      3,
      'Requested volume or snapshot exceeds allowed gigabytes quota. Requested 3G, quota is 3G and 1G has been consumed.',
    ],
    [{ volumes_peer: 1 }, 1, "Maximum number of volumes allowed (1) exceeded for quota 'volumes_peer'."],
    [{ per_volume_gigabytes: 4 }, 5, 'Requested volume size 5G is larger than maximum allowed limit 4G.'],
    [{ volumes: -1, gigabytes: -1 }, 2000, undefined],
  ]
  for (const [limits, size, told] of rows)
    test(`${JSON.stringify(limits)}: a second one of ${size} GiB ${told ? 'is too much' : 'is right'}`, async () => {
      const t = await limit(limits)
      await t.disk()
      const { status, body } = await t.call('ann', 71, 'POST /volumes', { volume: { size } })
      expect([status, body.overLimit?.message]).toEqual(told ? [413, expect.stringContaining(told)] : [202, undefined])
    })

  test('what is used is told, and a limit below it refused', async () => {
    const t = testVolumes()
    await t.disk({ size: 5 })
    const { quota_set } = await t.make('GET /os-quota-sets/one?usage=true')
    expect([quota_set.volumes, quota_set.gigabytes]).toEqual([
      { limit: 10, in_use: 1, reserved: 0 },
      { limit: 1000, in_use: 5, reserved: 0 },
    ])
    expect((await t.make('GET /limits')).limits.absolute).toMatchObject({ totalVolumesUsed: 1, totalGigabytesUsed: 5 })
    expect((await t.call('admin', 71, 'PUT /os-quota-sets/one', { quota_set: { gigabytes: 4 } })).status).toBe(400)
    expect((await t.call('ann', 71, 'PUT /os-quota-sets/one', { quota_set: { gigabytes: 6 } })).status).toBe(403)
  })
})

describe('types', () => {
  test('the usual ones: peer, which is the default, and multi', async () => {
    const t = testVolumes()
    const { volume_types } = await t.make('GET /types')
    expect(volume_types.map(({ name }: { name: string }) => name).sort()).toEqual(['__DEFAULT__', 'multi', 'peer'])
    expect((await t.make('GET /types/default')).volume_type.name).toBe('peer')
    expect(volume_types.find(({ name }: { name: string }) => name === 'multi').extra_specs).toEqual({ multiattach: '<is> True' })
  })

  const rows: [who: Person, method: string, status: number][] = [
    ['ann', 'POST', 403],
    ['admin', 'POST', 200],
  ]
  for (const [who, method, status] of rows)
    test(`${method} /types as ${who} → ${status}`, async () => {
      expect((await testVolumes().call(who, 71, `${method} /types`, { volume_type: { name: 'fast' } })).status).toBe(status)
    })

  test('a private one is for the projects that were let in', async () => {
    const t = testVolumes()
    const body = { volume_type: { name: 'secret', 'os-volume-type-access:is_public': false } }
    const { volume_type } = await t.make('POST /types', body, 'admin')
    const sees = async (who: Person) => (await t.call(who, 71, `GET /types/${volume_type.id}`)).status
    expect([await sees('ann'), await sees('admin')]).toEqual([404, 200])
    await t.make(`POST /types/${volume_type.id}/action`, { addProjectAccess: { project: 'one' } }, 'admin')
    expect([await sees('ann'), await sees('bob')]).toEqual([200, 404])
  })

  test('one that volumes have stays, and so does the default', async () => {
    const t = testVolumes()
    const { volume_types } = await t.make('GET /types')
    const idOf = (wanted: string) => volume_types.find(({ name }: { name: string }) => name === wanted).id
    await t.disk({ volume_type: 'multi' })
    expect((await t.call('admin', 71, `DELETE /types/${idOf('multi')}`)).status).toBe(400)
    expect((await t.call('admin', 71, `DELETE /types/${idOf('peer')}`)).status).toBe(400)
    expect((await t.call('admin', 71, `DELETE /types/${idOf('__DEFAULT__')}`)).status).toBe(202)
  })
})

test('a back end that is switched off takes no volumes; without any they are in error', async () => {
  const t = testVolumes()
  const { services } = await t.make('GET /os-services?binary=cinder-volume', undefined, 'admin')
  expect(services).toHaveLength(2)
  for (const { host } of services) await t.make('PUT /os-services/disable', { binary: 'cinder-volume', host }, 'admin')
  expect(await t.show(await t.disk())).toMatchObject({ status: 'error', 'os-vol-host-attr:host': null })
})

test('limits of a QoS go to the host with the connection', async () => {
  const t = testVolumes()
  const { qos_specs } = await t.make(
    'POST /qos-specs',
    { qos_specs: { name: 'slow', consumer: 'front-end', total_iops_sec: '10' } },
    'admin',
  )
  const { volume_types } = await t.make('GET /types')
  const peer = volume_types.find(({ name }: { name: string }) => name === 'peer').id
  await t.make(`GET /qos-specs/${qos_specs.id}/associate?vol_type_id=${peer}`, undefined, 'admin')
  const { attachment } = await t.make('POST /attachments', {
    attachment: { volume_uuid: await t.disk(), instance_uuid: id(1), connector: { host: 'h1' } },
  })
  expect(attachment.connection_info.qos_specs).toEqual({ total_iops_sec: '10' })
})
