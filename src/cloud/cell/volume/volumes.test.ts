import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type TestCell, testCell } from '../../../../tests/support/cell/cell.ts'
import { flavorOf } from '../../../../tests/support/cell/requests.ts'
import type { Server } from '../../../stores/cell/servers.ts'
import { computeTask } from '../targets.ts'
import { instanceToWire } from '../wire.ts'

/** Requests to other services that break while a test runs. */
let broken: RegExp | undefined
let t: TestCell
beforeEach(async () => {
  broken = undefined
  t = await testCell({ settings: { graceSeconds: 15 }, failing: (method, path) => broken?.test(`${method} ${path}`) ?? false })
})
afterEach(() => t.close())

const root = { boot_index: 0, destination_type: 'volume', device_type: 'disk', no_device: false, guest_format: null } as const
const devicesOf = async (uuid: string) => (await t.cell.blockDevices.of([uuid])).get(uuid) ?? []
const imageOf = async () => {
  const { id } = await t.images.create({ name: 'i', disk_format: 'raw', container_format: 'bare' })
  await t.images.upload(id, new Uint8Array(512))
  return id
}
const disk = async (size = 1) => (await t.volumes.createVolume({ size, name: 'd', volumeType: null, key: crypto.randomUUID() })).id
const shown = async (id: string) => (await t.volumes.volume(id))!

/** A server with a blank volume beside its local disk; its volume. */
async function withVolume(deleteOnTermination = true): Promise<{ server: Server; id: string }> {
  const devices = [
    { ...root, source_type: 'image', destination_type: 'local', image_id: crypto.randomUUID(), delete_on_termination: true },
    { ...root, boot_index: null, source_type: 'blank', volume_size: 1, delete_on_termination: deleteOnTermination },
  ] as const
  const [server] = (await t.create({ devices })) as [Server]
  return { server, id: (await devicesOf(server.uuid))[1]!.volumeId! }
}

/** Its attachment in Cinder and its device agree, and the volume is on this host, or on none. */
async function sound({ uuid }: Server, id: string): Promise<string | null> {
  const [attachment, ...more] = await t.volumes.attachments(id)
  const device = (await devicesOf(uuid)).find(({ volumeId }) => volumeId === id)
  expect(more).toEqual([])
  expect(attachment).toMatchObject({ id: device?.attachmentId, instance: uuid })
  const [shownThere] = (await t.peers.cinder.own.volume(id))!.attachments as unknown as { host_name: string }[]
  return shownThere?.host_name ?? null
}

/** As an API does from 2.101 on. */
async function attach(server: Server, id: string): Promise<void> {
  const { context } = await t.request()
  await t.rpc.cast(computeTask('1.26'), context, 'attach_volume', {
    instance: instanceToWire(server),
    volume: { id, multiattach: false },
    device: null,
    disk_bus: null,
    device_type: null,
    delete_on_termination: false,
  })
}

describe('volumes that a server brings into being', () => {
  test('from an image, a snapshot and nothing: in use on its host, with names', async () => {
    const snapshot = await t.volumes.createSnapshot(await disk(3), 's', null)
    const devices = [
      { ...root, source_type: 'image', image_id: await imageOf(), volume_size: 2, delete_on_termination: true },
      { ...root, boot_index: null, source_type: 'snapshot', snapshot_id: snapshot.id, delete_on_termination: false },
      { ...root, boot_index: null, source_type: 'blank', volume_size: 1, delete_on_termination: true, volume_type: 'multi' },
    ] as const
    const [server] = (await t.create({ devices })) as [Server]
    expect([server.vmState, server.rootDeviceName]).toEqual(['active', '/dev/sda'])
    const made = await devicesOf(server.uuid)
    expect(made.map(({ deviceName, volumeSize }) => [deviceName, volumeSize])).toEqual([
      ['/dev/sda', 2],
      ['/dev/sdb', 3],
      ['/dev/sdc', 1],
    ])
    for (const { volumeId } of made) expect(await sound(server, volumeId!)).toBe(server.host)
    expect(await shown(made[0]!.volumeId!)).toMatchObject({ status: 'in-use', bootable: 'true', name: '' })
    expect(await shown(made[2]!.volumeId!)).toMatchObject({ name: `${server.uuid}-blank-vol`, volume_type: 'multi' })
    expect(JSON.parse(made[2]!.connectionInfo!)).toMatchObject({
      driver_volume_type: 'iscsi',
      serial: made[2]!.volumeId,
      multiattach: true,
    })

    await t.act(server.uuid, 'deleting', 'terminate_instance', { bdms: null })
    await t.gone(server.uuid)
    const left = await Promise.all(made.map(async ({ volumeId }) => (await t.volumes.volume(volumeId!))?.status))
    expect(left).toEqual([undefined, 'available', undefined])
  })

  test('the same volume twice ends the build: the first device keeps its attachment until then', async () => {
    const id = await disk()
    const twice = [0, null].map((boot_index) => ({
      ...root,
      boot_index,
      source_type: 'volume' as const,
      volume_id: id,
      delete_on_termination: boot_index === 0,
    }))
    const [server] = (await t.create({ devices: twice })) as [Server]
    expect([server.vmState, server.host]).toEqual(['error', null])
    expect((await t.cell.faults.latestOf([server.uuid])).get(server.uuid)!.message).toContain('duplicate connectors detected')
    // when the first device is taken back the second still has it, so Cinder does not delete it
    expect((await shown(id)).status).toBe('available')
    t.errors.length = 0
  })

  test('what Cinder refuses ends the build, and nothing is left of it', async () => {
    const devices = [{ ...root, source_type: 'image', image_id: crypto.randomUUID(), volume_size: 1, delete_on_termination: true }] as const
    const [server] = (await t.create({ devices })) as [Server]
    expect([server.vmState, server.host]).toEqual(['error', null])
    const fault = (await t.cell.faults.latestOf([server.uuid])).get(server.uuid)!
    expect(fault.message).toMatch(/^Build of instance .* aborted: Invalid input received: Invalid image identifier/)
    expect([await t.volumes.attachments(), await devicesOf(server.uuid)]).toMatchObject([[], [{ volumeId: null }]])
    t.errors.length = 0
  })
})

describe('volumes of a server that moves', () => {
  test('resized and taken back, resized and confirmed', async () => {
    const { server, id } = await withVolume()
    for (const answer of ['revert', 'confirm'] as const) {
      await t.resize(server.uuid, flavorOf({ id: 8, flavorid: 'big', memory_mb: 256 }))
      const there = (await t.until(server.uuid, (now) => now?.vmState === 'resized' && now.taskState === null, 'resized'))!
      expect([await sound(server, id), there.host]).toEqual([there.host, there.host])
      await t.answerResize(server.uuid, answer)
      const now = (await t.until(server.uuid, (one) => one?.vmState === 'active' && one.taskState === null, answer))!
      expect(await sound(server, id)).toBe(now.host)
    }
  })

  test('alive', async () => {
    const { server, id } = await withVolume()
    await t.task(server.uuid, 'migrating', 'live_migrate_instance', { scheduler_hint: { host: null } }, 'root')
    const now = (await t.until(server.uuid, (one) => one?.host !== server.host && one?.taskState === null, 'never moved'))!
    await expect.poll(() => t.volumes.attachments(id)).toHaveLength(1)
    expect(await sound(server, id)).toBe(now.host)
  })

  test('a live migration that fails leaves them where they were', async () => {
    const { server, id } = await withVolume()
    broken = /^POST \/attachments\/.*\/action/
    const request = await t.task(server.uuid, 'migrating', 'live_migrate_instance', { scheduler_hint: { host: null } }, 'root')
    expect((await t.settled(server.uuid)).host).toBe(server.host)
    // the move was queued; what failed is the other side
    const there = server.host === 'fake1' ? 'fake2' : 'fake1'
    await expect
      .poll(async () => (await t.events(server.uuid, request)).slice(-2))
      .toEqual([`compute_live_migration ${server.host} Success`, `compute_pre_live_migration ${there} Error`])
    expect((await t.cell.faults.latestOf([server.uuid])).get(server.uuid)?.host).toBe(there)
    broken = undefined
    expect(await sound(server, id)).toBe(server.host)
    t.errors.length = 0
  })

  test('shelved, they are on no host and still its own', async () => {
    const { server, id } = await withVolume()
    const image = await t.images.create({ name: 'shelved' })
    await t.act(server.uuid, 'shelving', 'shelve_instance', { image_id: image.id })
    await t.until(server.uuid, (now) => now?.vmState === 'shelved_offloaded' && now.taskState === null, 'shelved')
    expect([await sound(server, id), (await shown(id)).status]).toEqual([null, 'reserved'])
    await t.task(server.uuid, 'unshelving', 'unshelve_instance')
    const now = (await t.until(server.uuid, (one) => one?.vmState === 'active' && one.taskState === null, 'unshelved'))!
    expect(await sound(server, id)).toBe(now.host)
  })
})

describe('rebuilding a server from a volume', () => {
  const boot = async () => {
    const devices = [{ ...root, source_type: 'image', image_id: await imageOf(), volume_size: 1, delete_on_termination: true }] as const
    const [server] = (await t.create({ devices })) as [Server]
    return { server, id: (await devicesOf(server.uuid))[0]!.volumeId! }
  }
  const rebuild = async (server: Server, image: string) =>
    t.task(server.uuid, 'rebuilding', 'rebuild_instance', {
      image_ref: image,
      orig_image_ref: null,
      host: server.host,
      recreate: false,
      reimage_boot_volume: true,
    })

  test('writes it anew, and goes on when Cinder says so', async () => {
    const { server, id } = await boot()
    const image = await imageOf()
    await rebuild(server, image)
    await expect.poll(async () => (await shown(id)).volume_image_metadata?.image_id).toBe(image)
    expect((await t.settled(server.uuid)).vmState).toBe('active')
    expect([await sound(server, id), (await shown(id)).status]).toEqual([server.host, 'in-use'])
  })

  test('fails when the image is not there, with the reason', async () => {
    const { server } = await boot()
    const image = crypto.randomUUID()
    await rebuild(server, image)
    expect((await t.until(server.uuid, (now) => now?.vmState === 'error', 'error'))!.taskState).toBe(null)
    expect((await t.cell.faults.latestOf([server.uuid])).get(server.uuid)?.message).toContain(`Image ${image} not found.`)
    t.errors.length = 0
  })
})

describe('attaching and detaching', () => {
  test('a volume comes, grows, and goes', async () => {
    const [server] = (await t.create()) as [Server]
    const id = await disk()
    await attach(server, id)
    await expect.poll(async () => (await shown(id)).status).toBe('in-use')
    expect(await sound(server, id)).toBe(server.host)
    await t.volumes.act(id, 'os-extend', { new_size: 3 }).catch(() => undefined)
    await t.volumes.session.request({
      method: 'POST',
      path: `/volumes/${id}/action`,
      json: { 'os-extend': { new_size: 4 } },
      microversion: '3.42',
    })
    await expect.poll(async () => (await devicesOf(server.uuid)).find(({ volumeId }) => volumeId === id)?.volumeSize).toBe(4)
    await t.volumes.act(id, 'os-begin_detaching')
    await t.act(server.uuid, null, 'detach_volume', { volume_id: id, attachment_id: null })
    await expect.poll(async () => (await shown(id)).status).toBe('available')
    expect(await devicesOf(server.uuid)).toHaveLength(1)
  })

  test('one that Cinder does not give away leaves no device', async () => {
    const [server, other] = (await t.create({ count: 2 })) as [Server, Server]
    const id = await disk()
    await attach(other, id)
    await expect.poll(async () => (await shown(id)).status).toBe('in-use')
    await attach(server, id)
    await expect.poll(() => t.errors.length).toBe(1)
    expect(await devicesOf(server.uuid)).toHaveLength(1)
    expect(await sound(other, id)).toBe(other.host)
    t.errors.length = 0
  })
})

test.each([
  [true, 'elsewhere', 2],
  [false, 'elsewhere', 1],
  [false, 'nova', 2],
])('where servers may have volumes of other zones: %s, one of the zone %s', async (crossAzAttach, zone, devices) => {
  await t.close()
  t = await testCell({ settings: { crossAzAttach } })
  const [server] = (await t.create()) as [Server]
  const id = await disk()
  const args = { instance: instanceToWire(server), device: null, disk_bus: null, device_type: null, delete_on_termination: false }
  const volume = { id, multiattach: false, availability_zone: zone }
  const { context } = await t.request()
  const attached = t.rpc.call(computeTask('1.26'), context, 'attach_volume', { ...args, volume })
  const where = `Instance is in nova. Volume is in ${zone}`
  if (devices === 2) await expect(attached).resolves.toBe('/dev/sdb')
  else
    await expect(attached).rejects.toMatchObject({
      className: 'InvalidVolume',
      message: `Invalid volume: Instance ${server.uuid} and volume ${id} are not in the same availability_zone. ${where}`,
    })
  expect(await devicesOf(server.uuid)).toHaveLength(devices)
})

describe('what was cut off', () => {
  const later = async () => {
    t.clock.ahead += 16_000
    await t.sweep()
  }

  test('a detachment that never began: the volume stays in use', async () => {
    const { server, id } = await withVolume()
    await t.volumes.act(id, 'os-begin_detaching')
    await t.sweep()
    expect((await shown(id)).status).toBe('detaching')
    await later()
    expect((await shown(id)).status).toBe('in-use')
    expect(await sound(server, id)).toBe(server.host)
  })

  test('an attachment that its server does not know goes; one of somebody else stays', async () => {
    const { server, id } = await withVolume()
    await t.volumes.createAttachment(id, server.uuid)
    const foreign = await disk()
    await t.volumes.createAttachment(foreign, crypto.randomUUID())
    await later()
    expect(await sound(server, id)).toBe(server.host)
    expect((await shown(foreign)).status).toBe('reserved')
  })

  test('an attachment that its server does not know keeps no volume from going with it', async () => {
    const { server, id } = await withVolume()
    await t.volumes.createAttachment(id, server.uuid)
    await t.act(server.uuid, 'deleting', 'terminate_instance', { bdms: null })
    await t.gone(server.uuid)
    expect(await t.volumes.volume(id)).toBeUndefined()
  })

  test('nor its server from moving', async () => {
    const { server, id } = await withVolume()
    await t.volumes.connectNew(id, server.uuid, { host: 'elsewhere' }, null)
    await t.resize(server.uuid, flavorOf({ id: 8, flavorid: 'big', memory_mb: 256 }))
    const there = (await t.until(server.uuid, (now) => now?.vmState === 'resized' && now.taskState === null, 'resized'))!
    expect(await sound(server, id)).toBe(there.host)
  })

  test('nor does a connection that was begun and not completed', async () => {
    const { server, id } = await withVolume()
    const device = (await devicesOf(server.uuid)).find(({ volumeId }) => volumeId === id)
    await t.volumes.connect(device!.attachmentId!, { host: server.host }, null)
    await t.resize(server.uuid, flavorOf({ id: 8, flavorid: 'big', memory_mb: 256 }))
    const there = (await t.until(server.uuid, (now) => now?.vmState === 'resized' && now.taskState === null, 'resized'))!
    expect(await sound(server, id)).toBe(there.host)
  })

  test('a volume that was being attached is free again', async () => {
    const [server] = (await t.create()) as [Server]
    const id = await disk()
    const { id: attachmentId } = await t.volumes.createAttachment(id, server.uuid)
    await t.cell.blockDevices.create({
      uuid: crypto.randomUUID(),
      instanceUuid: server.uuid,
      sourceType: 'volume',
      destinationType: 'volume',
      volumeId: id,
      attachmentId,
      noDevice: false,
    })
    await t.sweep()
    expect((await shown(id)).status).toBe('reserved')
    await later()
    expect([(await shown(id)).status, (await devicesOf(server.uuid)).length]).toEqual(['available', 1])
  })

  test('a build that nobody goes on with: its volumes go', async () => {
    const { server, id } = await withVolume()
    await t.cell.servers.update(server.uuid, { vmState: 'building', taskState: 'spawning' })
    await later()
    expect((await t.find(server.uuid))?.vmState).toBe('error')
    expect(await t.volumes.volume(id)).toBeUndefined()
  })

  test.each(['deleted', 'given up'])('a volume that was made and not noted goes with its server: %s', async (how) => {
    const { server, id } = await withVolume()
    const device = (await devicesOf(server.uuid)).find(({ volumeId }) => volumeId === id)!
    await t.volumes.removeAttachment(device.attachmentId!)
    await t.cell.blockDevices.update(device.id, { volumeId: null, attachmentId: null, connectionInfo: null })
    await t.cell.servers.update(server.uuid, { vmState: 'building', taskState: 'block_device_mapping' })
    const others = await disk()
    if (how === 'deleted') {
      await t.act(server.uuid, 'deleting', 'terminate_instance', { bdms: null })
      await t.gone(server.uuid)
    } else {
      await later()
      expect((await t.find(server.uuid))?.vmState).toBe('error')
    }
    expect([await t.volumes.volume(id), (await shown(others)).status]).toEqual([undefined, 'available'])
  })
})
