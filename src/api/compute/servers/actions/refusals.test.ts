/** What is refused for other reasons than the server's state: what the caller may not have, and what a compute, a conductor or a limit says. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { projectOf } from '../../../../../tests/support/compute-api.ts'
import { type Farm, farm } from '../../../../../tests/support/servers.ts'

let farmed: Farm
beforeAll(async () => {
  farmed = await farm()
})
afterAll(async () => {
  expect(farmed.api.errors).toEqual([])
  await farmed.close()
})

type Person = 'admin' | 'member'
const act = (uuid: string, body: object, as: Person = 'admin', version = '2.90') =>
  farmed.api.call(version, `POST /servers/${uuid}/action`, body, { as })

test('a server gets no flavor that its caller may not have', async () => {
  const flavor = { name: 'own', id: 'own', ram: 1024, vcpus: 2, disk: 2, 'os-flavor-access:is_public': false }
  await farmed.api.call('2.1', 'POST /flavors', { flavor })
  const resize = async (as: Person) => {
    const answer = await act(await farmed.server(), { resize: { flavorRef: 'own' } }, as)
    await farmed.heard(answer.status === 202 ? 1 : 0)
    return [answer.status, answer.body?.badRequest?.message]
  }
  expect(await resize('member')).toEqual([400, 'Flavor own could not be found.'])
  expect(await resize('admin')).toEqual([202, undefined])
  await farmed.api.call('2.1', 'POST /flavors/own/action', { addTenantAccess: { tenant: projectOf('member') } })
  expect(await resize('member')).toEqual([202, undefined])
})
