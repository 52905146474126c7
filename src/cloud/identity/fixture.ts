/** A small identity service for tests: users admin, demo (member of demo) and alice (no role), one clock that stands until it is moved. */
import { type Answer, type Asked, ask } from '../ask.ts'
import { openShelf, type Shelf } from '../shelf.ts'
import { identity, type Seed } from './index.ts'

export const seed: Seed = {
  projects: [{ name: 'admin' }, { name: 'demo' }, { name: 'service' }],
  users: [
    { name: 'admin', password: 'secret' },
    { name: 'demo', password: 'secret', defaultProject: 'demo' },
    { name: 'alice', password: 'secret' },
    { name: 'nova', password: 'secret', defaultProject: 'service' },
  ],
  assignments: [
    { user: 'admin', role: 'admin', on: { project: 'admin' } },
    { user: 'admin', role: 'admin', on: 'system' },
    { user: 'demo', role: 'member', on: { project: 'demo' } },
    { user: 'nova', role: 'service', on: { project: 'service' } },
  ],
}

export const endpoints = [
  { type: 'identity', name: 'keystone', url: '{base}/v3' },
  { type: 'compute', name: 'nova', url: '{scheme}://{hostname}:8774/v2.1' },
  { type: 'volumev3', name: 'cinder', url: '{scheme}://{hostname}:8776/v3/%(project_id)s' },
]

export const inDefault = { id: 'default' }
export const onProject = (name: string) => ({ project: { name, domain: inDefault } })

/** The body of a login with a password. */
export const withPassword = (user: object, scope?: unknown, password = 'secret') => ({
  auth: { identity: { methods: ['password'], password: { user: { ...user, password } } }, ...(scope !== undefined && { scope }) },
})

export async function startIdentity(shelf: Shelf = openShelf(':memory:')) {
  const clock = { time: Date.UTC(2026, 0, 1), now: () => clock.time }
  let count = 0
  // Not the counter alone: a second start over the same shelf must not repeat the ids of the first.
  const run = String(shelf.collection('identity.users').size).padStart(4, '0')
  const ids = { uuid: () => `00000000-0000-4000-${run}-${String(++count).padStart(12, '0')}` }
  const unforeseen: unknown[] = []
  const cloud = identity({ shelf, clock, ids, endpoints, report: (error) => unforeseen.push(error) })
  await cloud.bootstrap(seed)
  const send = (route: string, asked?: Asked): Promise<Answer> => ask(cloud.application, route, asked)
  const logIn = async (name: string, scope?: unknown, password?: string): Promise<string> => {
    const answer = await send('POST /v3/auth/tokens', { body: withPassword({ name, domain: inDefault }, scope, password) })
    if (answer.status !== 201) throw new Error(`login of ${name}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.header('x-subject-token')!
  }
  const admin = await logIn('admin', onProject('admin'))
  return {
    ...cloud,
    clock,
    unforeseen,
    send,
    logIn,
    admin,
    as: (token: string) => (route: string, body?: unknown) => send(route, { token, body }),
  }
}
