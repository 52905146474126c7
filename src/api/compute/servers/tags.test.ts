import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Farm, farm } from '../../../../tests/support/servers.ts'

let farmed: Farm
const names = new Map<string, string>()
beforeAll(async () => {
  farmed = await farm()
  for (const [name, tags] of [
    ['none', []],
    ['red', ['red']],
    ['both', ['red', 'blue']],
  ] as const)
    names.set(await farmed.server({ tags }), name)
})
afterAll(() => farmed.close())

// More than SQLite nests expressions
const many = Array.from({ length: 3000 }, (_, i) => `t${i}`).join()
const filters: [string, string][] = [
  ['tags=red', 'both red'],
  ['tags=red,blue', 'both'],
  ['tags=red,red', 'both red'],
  ['tags-any=red,blue', 'both red'],
  ['not-tags=red,blue', 'none red'],
  ['not-tags-any=red,blue', 'none'],
  ['tags=red,a,b,c,d,e,f,g,h', ''],
  [`tags=red,${many}`, ''],
  [`tags-any=red,${many}`, 'both red'],
  [`not-tags=red,${many}`, 'both none red'],
  [`not-tags-any=red,${many}`, 'none'],
]
test.each(filters)('%.40s', async (query, found) => {
  const { status, body } = await farmed.api.call('2.26', `GET /servers?${query}`)
  expect([
    status,
    body.servers
      .map(({ id }: { id: string }) => names.get(id))
      .sort()
      .join(' '),
  ]).toEqual([200, found])
})

test('all of nine tags', async () => {
  const tags = ['red', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
  const uuid = await farmed.server({ tags })
  const { body } = await farmed.api.call('2.26', `GET /servers?tags=${tags.join()}`)
  expect(body.servers.map(({ id }: { id: string }) => id)).toEqual([uuid])
})

test('a rule that lets everybody read tags lets nobody read those of another project, as long as they are no admins', async () => {
  const open = await farm({}, { guard: () => ({ can: () => true }) })
  const uuid = await open.server({ tags: ['red'] })
  const read = async (route: string, as: 'member' | 'other' | 'admin') => (await open.api.call('2.26', route, undefined, { as })).status
  for (const [route, found] of [
    [`GET /servers/${uuid}/tags`, 200],
    [`GET /servers/${uuid}/tags/red`, 204],
  ] as const)
    expect([await read(route, 'member'), await read(route, 'admin'), await read(route, 'other')]).toEqual([found, found, 404])
  await open.close()
})
