/** What an action writes and when, and what becomes of it when somebody else is faster, a message finds no way, or the cell is down. */
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { type Farm, farm, imageId } from '../../../../../tests/support/servers.ts'
import type { ServerChanges } from '../../../../stores/cell/servers.ts'

let farmed: Farm
beforeAll(async () => {
  farmed = await farm()
  await farmed.api.call('2.1', 'POST /flavors', { flavor: { name: 'big', id: 'big', ram: 1024, vcpus: 2, disk: 2 } })
})
afterEach(async () => {
  vi.restoreAllMocks()
  await farmed.heard(0)
})
afterAll(() => farmed.close())

const act = (uuid: string, body: object, version = '2.90') => farmed.api.call(version, `POST /servers/${uuid}/action`, body)

describe('statements', () => {
  /** Those that write, on all databases. */
  async function written(work: () => Promise<unknown>): Promise<number> {
    const { database } = farmed.cell
    const writes = vi.spyOn(database, 'write')
    await work()
    const count = writes.mock.calls.length
    writes.mockRestore()
    return count
  }

  test.each([
    ['os-stop', { 'os-stop': null }, 'active'],
    ['os-start', { 'os-start': null }, 'stopped'],
    ['reboot', { reboot: { type: 'SOFT' } }, 'active'],
    ['pause', { pause: null }, 'active'],
    ['unrescue', { unrescue: null }, 'rescued'],
    ['forceDelete', { forceDelete: null }, 'active'],
  ])('%s changes the row and notes the action, nothing else', async (_, body, vmState) => {
    const uuid = await farmed.server({ vmState })
    expect(await written(() => act(uuid, body))).toBe(2)
  })

  test('os-stop reads the mapping and the server, and once more what a compute is told', async () => {
    const uuid = await farmed.server()
    await act(uuid, { 'os-stop': null })
    const other = await farmed.server()
    const before = await farmed.api.statements()
    await act(other, { 'os-stop': null })
    // mapping, server, metadata, system metadata; UPDATE, INSERT
    expect((await farmed.api.statements()) - before).toBe(6)
  })
})

describe('a message that nobody takes', () => {
  interface Case {
    readonly body: object
    readonly how?: ServerChanges
    readonly cut?: string
    readonly action: string
  }
  const cases: Record<string, Case> = {
    'os-stop': { body: { 'os-stop': null }, action: 'stop' },
    reboot: { body: { reboot: { type: 'HARD' } }, action: 'reboot' },
    resize: { body: { resize: { flavorRef: 'big' } }, cut: 'conductor', action: 'resize' },
    rebuild: { body: { rebuild: { imageRef: imageId, name: 'new', metadata: { a: 'b' } } }, cut: 'conductor', action: 'rebuild' },
    unshelve: { body: { unshelve: null }, how: { vmState: 'shelved' }, cut: 'conductor', action: 'unshelve' },
    shelve: { body: { shelve: null }, action: 'shelve' },
    createImage: { body: { createImage: { name: 'i' } }, action: 'createImage' },
    forceDelete: { body: { forceDelete: null }, action: 'delete' },
  }

  test.each(Object.entries(cases))(
    '%s: as before, the action ends in error, the caller is told',
    async (_, { body, how, cut = 'compute', action }) => {
      const uuid = await farmed.server({ ...how, metadata: { old: 'one' } })
      const before = await farmed.row(uuid)
      const heal = farmed.cut(cut)
      const answer = await act(uuid, body)
      heal()
      expect([answer.status, answer.body.serviceUnavailable.message]).toEqual([
        503,
        expect.stringMatching(/^The message could not be delivered: /),
      ])
      const { updatedAt: _before, ...was } = before
      const { updatedAt: _after, ...is } = await farmed.row(uuid)
      expect(is).toEqual(was)
      expect(await farmed.cell.actions.latest(uuid)).toMatchObject({ action, message: 'Error', finishTime: expect.anything() })
      expect((await farmed.cell.metadata.of([uuid])).get(uuid)).toEqual({ old: 'one' })
      const made = [...farmed.fakes.images.keys()]
      expect(made).toEqual([imageId])
    },
  )

  test('a call that is not answered in time is told as such', async () => {
    const uuid = await farmed.server()
    let end = (_: unknown): void => undefined
    const never = new Promise((resolve) => {
      end = resolve
    })
    farmed.answers.set('set_admin_password', () => never)
    const answer = await act(uuid, { changePassword: { adminPass: 'p' } })
    end(null)
    expect([answer.status, answer.body]).toEqual([
      504,
      { computeFault: { code: 504, message: 'No answer to set_admin_password came in time.' } },
    ])
  })

  test('a live migration that is not answered in time may go on, which is a fault of the server', async () => {
    const compute = { ...farmed.api.backends.settings.compute, longRpcTimeout: 0.05, host: 'api1' }
    const hasty = await farm({}, { settings: { compute } })
    const uuid = await hasty.server()
    hasty.answers.set('migrate_server', () => new Promise((resolve) => setTimeout(resolve, 200, null)))
    const body = { 'os-migrateLive': { host: null, block_migration: 'auto' } }
    expect((await hasty.api.call('2.33', `POST /servers/${uuid}/action`, body)).status).toBe(504)
    expect((await hasty.cell.faults.latestOf([uuid])).get(uuid)).toMatchObject({
      code: 500,
      message: 'MessagingTimeout',
      details: '',
      host: 'api1',
    })
    expect((await hasty.row(uuid)).taskState).toBe('migrating')
    await hasty.close()
  })
})

describe('somebody else was faster', () => {
  /** Between the checks and the change. */
  function meanwhile(work: () => Promise<unknown>): void {
    const find = farmed.cell.metadata.of
    vi.spyOn(farmed.cell.metadata, 'of').mockImplementation(async (uuids) => {
      await work()
      return find(uuids)
    })
  }

  test('another task began meanwhile', async () => {
    const uuid = await farmed.server()
    meanwhile(() => farmed.set(uuid, { taskState: 'pausing' }))
    const answer = await act(uuid, { 'os-stop': null })
    const message = `Cannot 'stop' instance ${uuid} while it is in task_state pausing`
    expect(answer.body).toEqual({ conflictingRequest: { code: 409, message } })
    expect(farmed.messages).toEqual([])
  })

  test('it was deleted meanwhile', async () => {
    const uuid = await farmed.server()
    meanwhile(() => farmed.cell.servers.destroy(uuid))
    const answer = await act(uuid, { pause: null })
    expect(answer.body).toEqual({ itemNotFound: { code: 404, message: `Instance ${uuid} could not be found.` } })
  })

  test('it was deleted while an image of it was begun, which goes too', async () => {
    const uuid = await farmed.server()
    meanwhile(() => farmed.cell.servers.destroy(uuid))
    const answer = await act(uuid, { createImage: { name: 'i' } })
    const message = `Cannot 'createImage' instance ${uuid} while it is in vm_state deleted`
    expect(answer.body).toEqual({ conflictingRequest: { code: 409, message } })
    expect([...farmed.fakes.images.keys()]).toEqual([imageId])
  })
})

describe('a cell that is down', () => {
  let down: Farm
  let uuid: string
  beforeAll(async () => {
    down = await farm()
    uuid = await down.server()
    await down.cell.database.close()
  })
  afterAll(() => down.close())

  test.each([
    ['POST action', { pause: null }],
    ['DELETE', undefined],
    ['GET metadata', undefined],
    ['GET os-instance-actions', undefined],
    ['GET tags', undefined],
    ['PUT tags/a', null],
    ['GET ips', undefined],
    ['GET os-volume_attachments', undefined],
    ['GET os-server-password', undefined],
    ['GET migrations', undefined],
  ])('%s', async (route, body) => {
    const [method, path = ''] = route.split(' ')
    const answer = await down.api.call('2.90', `${method} /servers/${uuid}/${path}`.replace(/\/$/, ''), body)
    expect(answer.status).toBe(500)
    expect(answer.body.computeFault.message).toMatch(
      /^Cell .* is not responding or returned an exception, hence instance info is not available\.$/,
    )
  })
})
