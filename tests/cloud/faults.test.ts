import { rmSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Client, connect } from '../journeys/client.ts'
import { type Cloud, startCloud } from '../support/cloud.ts'

let cloud: Cloud
let client: Client
beforeAll(async () => {
  cloud = await startCloud(() => {}, { NOVA_TS_CELLS: '2', NOVA_TS_HOSTS: '1' })
  client = await connect(await cloud.variables())
}, 60_000)
afterAll(async () => {
  await cloud.down()
  rmSync(cloud.folder, { recursive: true, force: true })
})

const fault = (...words: string[]) => cloud.command('fault', ...words)
const hosts = async (): Promise<Record<string, string>> => {
  const { services } = (await client.insist('GET', 'compute', '/os-services?binary=nova-compute')).body
  return Object.fromEntries(services.map(({ host, state }: { host: string; state: string }) => [host, state]))
}

async function create(metadata: Record<string, string> = {}) {
  const images = (await client.insist('GET', 'image', '/v2/images')).body.images
  const server = { name: 'box', imageRef: images[0].id, flavorRef: '42', networks: 'none', metadata }
  const { body, status } = await client.insist('POST', 'compute', '/servers', { server })
  expect(status).toBe(202)
  const find = async () => (await client.insist('GET', 'compute', `/servers/${body.server.id}`)).body.server
  await expect.poll(async () => (await find()).status, { timeout: 20_000 }).not.toBe('BUILD')
  return find()
}

describe('a cloud of two cells', { timeout: 60_000 }, () => {
  test('has the hosts of both, and servers in both', async () => {
    expect(await hosts()).toEqual({ fake1: 'up', 'cell2-fake1': 'up' })
    const servers = [await create(), await create()]
    expect(servers.map((server) => server['OS-EXT-SRV-ATTR:host']).sort()).toEqual(['cell2-fake1', 'fake1'])
  })

  test('says so, and starts with no fewer', async () => {
    expect((await cloud.command('up', '--cells', '1')).err).toMatch(/has 2 cells already/)
    expect((await cloud.command('up', '--hosts', '3')).err).toMatch(/runs with --hosts 1: stop it first/)
  })

  test('loses a host and gets it back', async () => {
    expect(await fault('host', 'cell2-fake1', 'down')).toMatchObject({
      code: 0,
      out: 'No action fails.\nHosts: fake1, cell2-fake1 (down)\n',
    })
    expect(await hosts()).toEqual({ fake1: 'up', 'cell2-fake1': 'down' })
    expect((await create())['OS-EXT-SRV-ATTR:host']).toBe('fake1')
    expect((await fault('host', 'cell2-fake1', 'up')).code).toBe(0)
    expect(await hosts()).toEqual({ fake1: 'up', 'cell2-fake1': 'up' })
  })

  test('fails where it is told to, until it is told otherwise', async () => {
    expect((await fault('spawn', 'fail', '--message', 'no power')).out).toMatch(/^ +1 {2}spawn fails: no power\n/)
    expect((await create()).status).toBe('ERROR')
    expect((await fault('remove', '1')).out).toMatch(/^No action fails/)
    expect((await create()).status).toBe('ACTIVE')
    expect((await fault('reboot', 'slow', '2.5', '--server', 'box', '--host', 'fake1', '--times', '1')).out).toMatch(
      /reboot takes 2\.5 s longer for box on fake1 1 time\n/,
    )
    expect((await fault()).out).toMatch(/reboot takes/)
    expect((await fault('clear')).out).toMatch(/^No action fails/)
  })

  test('fails for a server that wants it in its metadata', async () => {
    expect((await create({ 'nova-ts:spawn': 'fail' })).status).toBe('ERROR')
  })

  const mistakes: [words: string[], code: number, told: RegExp][] = [
    [['fly', 'fail'], 1, /there is no action fly; there are spawn, /],
    [['spawn'], 2, /does not understand spawn/],
    [['spawn', 'fail', '5'], 2, /does not understand/],
    [['spawn', 'slow'], 2, /does not understand/],
    [['spawn', 'slow', 'x'], 2, /slow takes 0 to 86400 seconds, not x/],
    [['spawn', 'fail', '--times', '0'], 2, /0 is no number from 1 on/],
    [['host', 'fake9', 'down'], 1, /there is no host fake9; there are fake1, cell2-fake1/],
    [['remove', '7'], 1, /there is no fault 7/],
    [['--help'], 0, /nova-ts cloud fault host NAME down/],
  ]
  test.each(mistakes)('fault %j ends with %i', async (words, code, told) => {
    const outcome = await fault(...words)
    expect([outcome.code, outcome.out + outcome.err]).toEqual([code, expect.stringMatching(told)])
  })
})

test('faults are for a cloud that runs', { timeout: 60_000 }, async () => {
  await cloud.down()
  expect(await fault('host', 'fake1', 'down')).toMatchObject({ code: 1, err: expect.stringMatching(/does not run|is not running/) })
})
