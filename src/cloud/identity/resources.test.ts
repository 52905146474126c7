import { expect, test } from 'vitest'
import { ask } from '../ask.ts'
import { inDefault, startIdentity, withPassword } from './fixture.ts'

type Cloud = Awaited<ReturnType<typeof startIdentity>>
/** Who, route, body, status, and what the answer must hold. `$name` stands for an id kept by `keep`. */
type Step = [who: string, route: string, body: unknown, status: number, holds?: unknown, keep?: string]

/** Goes through the steps one after the other; what `keep` names is the id of the thing that was answered. */
async function walk(cloud: Cloud, tokens: Record<string, string | undefined>, steps: readonly Step[], ids: Record<string, string> = {}) {
  const filled = <T>(value: T): T =>
    JSON.parse(JSON.stringify(value).replace(/\$(\w+)/g, (whole: string, name: string) => ids[name] ?? whole)) as T
  for (const [who, route, body, status, holds, keep] of steps) {
    const answer = await ask(cloud.application, filled(route), { token: tokens[who], body: body === null ? undefined : filled(body) })
    const seen = { route, status: answer.status, body: answer.body }
    expect(seen).toMatchObject({ route, status })
    if (typeof holds === 'string') expect(answer.body.error.message).toBe(filled(holds))
    else if (holds !== undefined) expect(answer.body).toMatchObject(filled(holds) as object)
    if (keep) ids[keep] = (Object.values(answer.body)[0] as { id: string }).id
  }
  expect(cloud.unforeseen).toEqual([])
  return ids
}

const start = async () => {
  const cloud = await startIdentity()
  return { cloud, tokens: { admin: cloud.admin, demo: await cloud.logIn('demo'), nobody: undefined } as Record<string, string | undefined> }
}
const names = (list: readonly { name: string }[]) => list.map((one) => one.name)

test('projects stand in domains and in each other', async () => {
  const { cloud, tokens } = await start()
  const ids = await walk(cloud, tokens, [
    ['admin', 'POST /v3/domains', { domain: { name: 'D' } }, 201, { domain: { name: 'D', description: '', enabled: true, tags: [] } }, 'd'],
    ['admin', 'POST /v3/domains', { domain: { name: 'D' } }, 409],
    [
      'admin',
      'POST /v3/projects',
      { project: { name: 'top', domain_id: '$d' } },
      201,
      { project: { parent_id: '$d', domain_id: '$d' } },
      'top',
    ],
    ['admin', 'POST /v3/projects', { project: { name: 'top', domain_id: '$d' } }, 409],
    ['admin', 'POST /v3/projects', { project: { name: 'top' } }, 201, { project: { domain_id: 'default' } }, 'same'],
    [
      'admin',
      'POST /v3/projects',
      { project: { name: 'low', domain_id: '$d', parent_id: '$top', tags: ['a'], colour: 'red' } },
      201,
      { project: { colour: 'red', tags: ['a'] } },
      'low',
    ],
    ['admin', 'POST /v3/projects', { project: { name: 'x', domain_id: '$d', parent_id: '$same' } }, 400],
    ['admin', 'POST /v3/projects', { project: { name: 'x', domain_id: 'none' } }, 400, 'Could not find domain: none.'],
    [
      'admin',
      'POST /v3/projects',
      { project: { name: '' } },
      400,
      "Invalid input for field/attribute name. Value: . '' should be non-empty",
    ],
    ['admin', 'POST /v3/projects', { project: { name: 'x'.repeat(65) } }, 400],
    ['admin', 'POST /v3/projects', { project: { name: 'x'.repeat(64) } }, 201],
    ['admin', 'PATCH /v3/projects/$low', { project: { parent_id: '$d' } }, 403, 'Update of `parent_id` is not allowed.'],
    ['admin', 'PATCH /v3/projects/$low', { project: { id: 'other' } }, 400, 'Cannot change ID'],
    [
      'admin',
      'PATCH /v3/projects/$low',
      { project: { description: null } },
      200,
      { project: { description: null, extra: { colour: 'red' } } },
    ],
    ['admin', 'GET /v3/projects/$low?parents_as_ids', null, 200, { project: { parents: { $top: { $d: null } } } }],
    ['admin', 'GET /v3/projects/$top?subtree_as_ids', null, 200, { project: { subtree: { $low: null } } }],
    ['admin', 'DELETE /v3/projects/$top', null, 403],
    ['admin', 'PATCH /v3/projects/$top', { project: { enabled: false } }, 403],
    ['admin', 'PATCH /v3/projects/$low', { project: { enabled: false } }, 200],
    ['admin', 'PATCH /v3/projects/$top', { project: { enabled: false } }, 200],
    ['admin', 'PATCH /v3/projects/$low', { project: { enabled: true } }, 403, 'Cannot enable project $low since it has disabled parents'],
    ['admin', 'PUT /v3/projects/$low/tags/b', null, 201],
    ['admin', 'GET /v3/projects/$low/tags', null, 200, { tags: ['a', 'b'] }],
    ['admin', 'DELETE /v3/projects/$low/tags/a', null, 204],
    ['admin', 'GET /v3/projects/$low/tags/a', null, 404],
    ['admin', 'HEAD /v3/projects/$low/tags/b', null, 204],
    ['admin', 'DELETE /v3/domains/$d', null, 403, 'Cannot delete a domain that is enabled, please disable it first.'],
    ['admin', 'PATCH /v3/domains/$d', { domain: { enabled: false } }, 200],
    ['admin', 'DELETE /v3/domains/$d', null, 204],
    ['admin', 'GET /v3/projects/$low', null, 404],
    ['admin', 'GET /v3/projects/$same', null, 200],
    ['admin', 'DELETE /v3/projects/$same', null, 204],
  ])
  expect(ids).toHaveProperty('low')
})

test('a branch is at most five projects deep', async () => {
  const { cloud, tokens } = await start()
  const steps = ['p1', 'p2', 'p3', 'p4', 'p5'].map(
    (name, i): Step => ['admin', 'POST /v3/projects', { project: { name, parent_id: i ? `$p${i}` : 'default' } }, 201, undefined, name],
  )
  await walk(cloud, tokens, [...steps, ['admin', 'POST /v3/projects', { project: { name: 'p6', parent_id: '$p5' } }, 403]])
})

test('lists are filtered', async () => {
  const { cloud } = await start()
  const admin = cloud.as(cloud.admin)
  for (const [name, tags] of [
    ['red', ['a', 'b']],
    ['redder', ['b']],
    ['Green', []],
  ] as const)
    await admin('POST /v3/projects', { project: { name, tags, enabled: name !== 'Green' } })
  const rows: [query: string, expected: string[]][] = [
    ['name=red', ['red']],
    ['name__startswith=red', ['red', 'redder']],
    ['name__startswith=RED', []],
    ['name__istartswith=RED', ['red', 'redder']],
    ['name__contains=ee', ['Green']],
    ['name__endswith=er', ['redder']],
    ['enabled=false', ['Green']],
    ['tags=a,b', ['red']],
    ['tags-any=a,b', ['red', 'redder']],
    ['not-tags-any=a,b', ['admin', 'demo', 'service', 'Green']],
    ['not-tags=a,b', ['admin', 'demo', 'service', 'redder', 'Green']],
    ['is_domain=true', ['Default']],
    ['unknown=1&name=red', ['red']],
    ['limit=2', ['admin', 'demo']],
  ]
  for (const [query, expected] of rows)
    expect([query, names((await admin(`GET /v3/projects?${query}`)).body.projects)]).toEqual([query, expected])
  const page = (await admin('GET /v3/projects?limit=4')).body
  expect(page.truncated).toBe(true)
  const rest = await admin(`GET ${page.links.next.slice('http://cloud:5000'.length)}`)
  expect(names(rest.body.projects)).toEqual(['redder', 'Green'])
  expect(rest.body).not.toHaveProperty('truncated')
  expect((await admin('GET /v3/projects?enabled=perhaps')).status).toBe(400)
})

test('users', async () => {
  const { cloud, tokens } = await start()
  await walk(cloud, tokens, [
    [
      'admin',
      'POST /v3/users',
      { user: { name: 'u', password: 'one', email: 'u@x' } },
      201,
      { user: { email: 'u@x', enabled: true, password_expires_at: null } },
      'u',
    ],
    [
      'admin',
      'POST /v3/users',
      { user: { name: 'u' } },
      409,
      'Conflict occurred attempting to store user - Duplicate entry found with name u at domain ID default.',
    ],
    ['admin', 'POST /v3/users', { user: { name: 5 } }, 400, "Invalid input for field/attribute name. Value: 5. 5 is not of type 'string'"],
    ['admin', 'POST /v3/users', { user: { name: 'v', options: { x: 1 } } }, 400],
    ['admin', 'POST /v3/users', { user: { name: 'v', options: { multi_factor_auth_rules: [['password']] } } }, 501],
    ['admin', 'POST /v3/users', { user: { name: 'v', default_project_id: 'default' } }, 400],
    ['admin', 'PATCH /v3/users/$u', { user: {} }, 400],
    ['admin', 'PATCH /v3/users/$u', { user: { name: 'demo' } }, 409],
    ['admin', 'PATCH /v3/users/$u', { user: { description: 'd' } }, 200, { user: { description: 'd', email: 'u@x' } }],
    ['nobody', 'POST /v3/auth/tokens', withPassword({ id: '$u' }, undefined, 'one'), 201],
    ['admin', 'PATCH /v3/users/$u', { user: { password: 'two' } }, 200],
    ['nobody', 'POST /v3/auth/tokens', withPassword({ id: '$u' }, undefined, 'one'), 401],
    ['nobody', 'POST /v3/auth/tokens', withPassword({ id: '$u' }, undefined, 'two'), 201],
    ['admin', 'PATCH /v3/users/$u', { user: { options: { lock_password: true } } }, 200, { user: { options: { lock_password: true } } }],
    ['nobody', 'POST /v3/users/$u/password', { user: { original_password: 'two', password: 'three' } }, 400],
    ['admin', 'PATCH /v3/users/$u', { user: { enabled: false } }, 200, { user: { enabled: false } }],
    ['nobody', 'POST /v3/auth/tokens', withPassword({ id: '$u' }, undefined, 'two'), 401],
    ['admin', 'POST /v3/users', { user: { name: 'w', password: null } }, 201, undefined, 'w'],
    ['nobody', 'POST /v3/auth/tokens', withPassword({ id: '$w' }, undefined, ''), 401],
    ['admin', 'DELETE /v3/users/$u', null, 204],
    ['admin', 'GET /v3/users/$u', null, 404, 'Could not find user: $u.'],
  ])
})

test('no answer holds a password, hashed or not', async () => {
  const { cloud } = await start()
  const admin = cloud.as(cloud.admin)
  const made = await admin('POST /v3/users', { user: { name: 'u', password: 'the-secret' } })
  const all = [made, await admin('GET /v3/users'), await admin(`GET /v3/users/${made.body.user.id}`)].map((answer) =>
    answer.bytes.toString(),
  )
  for (const text of all) expect(text).not.toMatch(/the-secret|scrypt|tokenEpoch/)
})

test('roles reach users through groups and through other roles', async () => {
  const { cloud, tokens } = await start()
  const roleId = async (name: string) => (await cloud.as(cloud.admin)(`GET /v3/roles?name=${name}`)).body.roles[0].id as string
  const known = { member: await roleId('member'), reader: await roleId('reader'), adminRole: await roleId('admin') }
  const ids = await walk(
    cloud,
    tokens,
    [
      ['admin', 'POST /v3/projects', { project: { name: 'p' } }, 201, undefined, 'p'],
      ['admin', 'POST /v3/users', { user: { name: 'u', password: 'pw' } }, 201, undefined, 'u'],
      ['admin', 'POST /v3/groups', { group: { name: 'g' } }, 201, { group: { description: '' } }, 'g'],
      ['admin', 'PUT /v3/groups/$g/users/$u', null, 204],
      ['admin', 'HEAD /v3/groups/$g/users/$u', null, 204],
      ['admin', 'GET /v3/users/$u/groups', null, 200, { groups: [{ id: '$g', membership_expires_at: null }] }],
      ['admin', 'PUT /v3/groups/$g/users/none', null, 404, 'Could not find user: none.'],
      ['nobody', 'POST /v3/auth/tokens', withPassword({ id: '$u' }, { project: { id: '$p' } }, 'pw'), 401],
      ['admin', 'PUT /v3/projects/$p/groups/$g/roles/$member', null, 204],
      ['admin', 'PUT /v3/projects/$p/groups/$g/roles/$member', null, 204],
      [
        'nobody',
        'POST /v3/auth/tokens',
        withPassword({ id: '$u' }, { project: { id: '$p' } }, 'pw'),
        201,
        { token: { roles: [{ name: 'reader' }, { name: 'member' }] } },
      ],
      ['admin', 'POST /v3/roles', { role: { name: 'auditor' } }, 201, { role: { domain_id: null, description: null } }, 'auditor'],
      ['admin', 'PUT /v3/roles/$auditor/implies/$reader', null, 201],
      ['admin', 'PUT /v3/roles/$auditor/implies/$reader', null, 409],
      ['admin', 'PUT /v3/roles/$auditor/implies/$adminRole', null, 403],
      ['admin', 'GET /v3/roles/$reader/implies/$auditor', null, 404, '$reader does not imply $auditor.'],
      ['admin', 'PUT /v3/projects/$p/users/$u/roles/$auditor', null, 204],
      ['admin', 'GET /v3/projects/$p/users/$u/roles', null, 200, { roles: [{ id: '$auditor' }] }],
      ['admin', 'HEAD /v3/projects/$p/users/$u/roles/$member', null, 404],
      ['admin', 'PUT /v3/system/users/$u/roles/$reader', null, 204],
      ['admin', 'PUT /v3/domains/default/users/$u/roles/$reader', null, 204],
      ['admin', 'DELETE /v3/roles/$adminRole', null, 403],
      ['admin', 'PATCH /v3/roles/$adminRole', { role: { description: 'x' } }, 403],
    ],
    known,
  )
  const list = async (query: string) => (await cloud.as(cloud.admin)(`GET /v3/role_assignments?${query}`)).body.role_assignments
  const brief = (all: { role: { id: string }; scope: object; links: { assignment: string } }[]) =>
    all.map((one) => `${Object.keys(one.scope)[0]} ${Object.entries(ids).find(([, id]) => id === one.role.id)?.[0]}`).sort()
  const user = `user.id=${ids.u}`
  expect(brief(await list(user))).toEqual(['domain reader', 'project auditor', 'system reader'])
  expect(brief(await list(`${user}&effective`))).toEqual([
    'domain reader',
    'project auditor',
    'project member',
    'project reader',
    'project reader',
  ])
  expect(brief(await list(`${user}&scope.system=all`))).toEqual(['system reader'])
  expect(brief(await list(`scope.project.id=${ids.p}&role.id=${ids.reader}&effective`))).toHaveLength(2)
  const [named] = await list(`${user}&include_names&scope.project.id=${ids.p}`)
  expect(named).toMatchObject({
    scope: { project: { name: 'p', domain: { name: 'Default' } } },
    user: { name: 'u', domain: { id: 'default' } },
    role: { name: 'auditor' },
  })
  await walk(
    cloud,
    tokens,
    [
      ['admin', 'GET /v3/role_assignments?group.id=$g&effective', null, 400],
      ['admin', 'GET /v3/role_assignments?scope.project.id=$p&scope.domain.id=default', null, 400],
      ['admin', 'GET /v3/role_assignments?scope.OS-INHERIT:inherited_to=projects', null, 501],
      ['admin', 'DELETE /v3/groups/$g/users/$u', null, 204],
      [
        'nobody',
        'POST /v3/auth/tokens',
        withPassword({ id: '$u' }, { project: { id: '$p' } }, 'pw'),
        201,
        { token: { roles: [{ name: 'reader' }, { name: 'auditor' }] } },
      ],
      ['admin', 'DELETE /v3/projects/$p/users/$u/roles/$auditor', null, 204],
      ['admin', 'DELETE /v3/projects/$p/users/$u/roles/$auditor', null, 404],
      ['nobody', 'POST /v3/auth/tokens', withPassword({ id: '$u' }, { project: { id: '$p' } }, 'pw'), 401],
      ['admin', 'DELETE /v3/projects/$p', null, 204],
      ['admin', 'GET /v3/role_assignments?group.id=$g', null, 200, { role_assignments: [] }],
    ],
    ids,
  )
})

test('a role of a domain counts only through what it implies', async () => {
  const { cloud, tokens } = await start()
  const reader = (await cloud.as(cloud.admin)('GET /v3/roles?name=reader')).body.roles[0].id
  await walk(
    cloud,
    tokens,
    [
      ['admin', 'POST /v3/domains', { domain: { name: 'D' } }, 201, undefined, 'd'],
      ['admin', 'POST /v3/projects', { project: { name: 'p', domain_id: '$d' } }, 201, undefined, 'p'],
      ['admin', 'POST /v3/projects', { project: { name: 'q' } }, 201, undefined, 'q'],
      ['admin', 'POST /v3/users', { user: { name: 'u', password: 'pw' } }, 201, undefined, 'u'],
      ['admin', 'POST /v3/roles', { role: { name: 'local', domain_id: '$d' } }, 201, undefined, 'local'],
      ['admin', 'GET /v3/roles?name=local', null, 200, { roles: [] }],
      ['admin', 'GET /v3/roles?domain_id=$d', null, 200, { roles: [{ name: 'local' }] }],
      ['admin', 'PUT /v3/projects/$q/users/$u/roles/$local', null, 403],
      ['admin', 'PUT /v3/system/users/$u/roles/$local', null, 400],
      ['admin', 'PUT /v3/projects/$p/users/$u/roles/$local', null, 204],
      ['nobody', 'POST /v3/auth/tokens', withPassword({ id: '$u' }, { project: { id: '$p' } }, 'pw'), 401],
      ['admin', 'PUT /v3/roles/$reader/implies/$local', null, 403],
      ['admin', 'PUT /v3/roles/$local/implies/$reader', null, 201],
      [
        'nobody',
        'POST /v3/auth/tokens',
        withPassword({ id: '$u' }, { project: { id: '$p' } }, 'pw'),
        201,
        { token: { roles: [{ name: 'reader' }] } },
      ],
    ],
    { reader },
  )
})

test('who may: the user itself, a reader and a manager of a domain, a reader of the system', async () => {
  const { cloud, tokens } = await start()
  const admin = cloud.as(cloud.admin)
  const role = Object.fromEntries(
    (await admin('GET /v3/roles')).body.roles.map((one: { name: string; id: string }) => [`${one.name}Role`, one.id]),
  )
  const demoId = (await admin('GET /v3/users?name=demo')).body.users[0].id
  const ids = await walk(
    cloud,
    tokens,
    [
      ['admin', 'POST /v3/domains', { domain: { name: 'D' } }, 201, undefined, 'd'],
      ['admin', 'POST /v3/projects', { project: { name: 'p', domain_id: '$d' } }, 201, undefined, 'p'],
      ['admin', 'POST /v3/users', { user: { name: 'in-d', domain_id: '$d' } }, 201, undefined, 'ind'],
      ['admin', 'POST /v3/users', { user: { name: 'r', password: 'pw' } }, 201, undefined, 'r'],
      ['admin', 'POST /v3/users', { user: { name: 'm', password: 'pw' } }, 201, undefined, 'm'],
      ['admin', 'PUT /v3/domains/$d/users/$r/roles/$readerRole', null, 204],
      ['admin', 'PUT /v3/domains/$d/users/$m/roles/$managerRole', null, 204],
      ['admin', 'PUT /v3/system/users/$r/roles/$readerRole', null, 204],
    ],
    { ...role, demoId },
  )
  const onDomain = { domain: { id: ids.d } }
  const log = (name: string, scope: unknown) => cloud.logIn(name, scope, 'pw')
  const all = {
    ...tokens,
    reader: await log('r', onDomain),
    manager: await log('m', onDomain),
    system: await log('r', { system: { all: true } }),
  }
  await walk(
    cloud,
    all,
    [
      ['demo', 'GET /v3/users/$demoId', null, 200],
      ['demo', 'GET /v3/users/$ind', null, 403, 'You are not authorized to perform the requested action: identity:get_user.'],
      ['demo', 'GET /v3/users/none', null, 403],
      ['admin', 'GET /v3/users/none', null, 404],
      ['demo', 'GET /v3/users', null, 403],
      ['demo', 'GET /v3/users/$demoId/projects', null, 200, { projects: [{ name: 'demo' }] }],
      ['demo', 'GET /v3/users/$ind/projects', null, 403],
      ['demo', 'PATCH /v3/users/$demoId', { user: { email: 'x' } }, 403],
      ['demo', 'GET /v3/projects', null, 403],
      ['demo', 'GET /v3/auth/projects', null, 200, { projects: [{ name: 'demo' }] }],
      ['demo', 'GET /v3/services', null, 403],
      ['demo', 'GET /v3/regions', null, 200, { regions: [{ id: 'RegionOne' }] }],
      ['demo', 'GET /v3/domains/default', null, 200],
      ['demo', 'GET /v3/domains/$d', null, 403],
      ['demo', 'POST /v3/projects', { project: { name: 'x' } }, 403],
      ['reader', 'GET /v3/projects', null, 200, { projects: [{ name: 'p' }] }],
      ['reader', 'GET /v3/users', null, 200, { users: [{ name: 'in-d' }] }],
      ['reader', 'GET /v3/domains', null, 200, { domains: [{ id: '$d' }] }],
      ['reader', 'GET /v3/users/$demoId', null, 403],
      ['reader', 'POST /v3/projects', { project: { name: 'x', domain_id: '$d' } }, 403],
      ['reader', 'GET /v3/roles', null, 403],
      ['system', 'GET /v3/users/$demoId', null, 200],
      ['system', 'GET /v3/services', null, 200],
      ['system', 'POST /v3/users', { user: { name: 'x' } }, 403],
      ['manager', 'POST /v3/projects', { project: { name: 'x', domain_id: '$d' } }, 201, undefined, 'x'],
      ['manager', 'POST /v3/projects', { project: { name: 'x' } }, 403],
      ['manager', 'POST /v3/users', { user: { name: 'y', domain_id: '$d' } }, 201, undefined, 'y'],
      ['manager', 'POST /v3/users', { user: { name: 'y', domain_id: 'default' } }, 403],
      ['manager', 'GET /v3/roles', null, 200],
      ['manager', 'GET /v3/roles/$memberRole', null, 200],
      ['manager', 'GET /v3/roles/$adminRole', null, 403],
      ['manager', 'PUT /v3/projects/$x/users/$y/roles/$memberRole', null, 204],
      ['manager', 'PUT /v3/projects/$x/users/$y/roles/$adminRole', null, 403],
      ['manager', 'PUT /v3/projects/$x/users/$demoId/roles/$memberRole', null, 403],
      ['manager', 'DELETE /v3/users/$y', null, 204],
      ['manager', 'DELETE /v3/users/$demoId', null, 403],
    ],
    ids,
  )
  const { body } = await ask(cloud.application, 'GET /v3/projects', { token: all.reader })
  expect(names(body.projects)).toEqual(['p', 'x'])
})

test('application credentials', async () => {
  const { cloud, tokens } = await start()
  const demo = (await cloud.as(cloud.admin)('GET /v3/users?name=demo')).body.users[0].id
  const path = '/v3/users/$demo/application_credentials'
  const by = (credential: object, more: object = {}) => ({
    auth: { identity: { methods: ['application_credential'], application_credential: credential }, ...more },
  })
  const made = await cloud.as(tokens.demo!)(`POST ${path.replace('$demo', demo)}`, { application_credential: { name: 'all' } })
  expect(made.body.application_credential.secret).toHaveLength(86)
  const { id: all, secret } = made.body.application_credential
  const ids = await walk(
    cloud,
    tokens,
    [
      ['demo', `POST ${path}`, { application_credential: { name: 'all' } }, 409],
      [
        'demo',
        `POST ${path}`,
        { application_credential: { name: 'some', secret: 's', roles: [{ name: 'reader' }], expires_at: '2026-01-01T00:10:00' } },
        201,
        { application_credential: { expires_at: '2026-01-01T00:10:00.000000', secret: 's' } },
        'some',
      ],
      ['demo', `POST ${path}`, { application_credential: { name: 'x', roles: [{ name: 'admin' }] } }, 400],
      ['demo', `POST ${path}`, { application_credential: { name: 'x', roles: [{ name: 'none' }] } }, 404, 'Role none is not defined'],
      ['demo', `POST ${path}`, { application_credential: { name: 'x', expires_at: '2026-01-01T00:00:00' } }, 400],
      ['demo', `POST ${path}`, { application_credential: { name: 'x', expires_at: 'soon' } }, 400],
      ['demo', `POST ${path}`, { application_credential: { name: 'x', access_rules: [{ path: '/' }] } }, 501],
      ['admin', `POST ${path}`, { application_credential: { name: 'x' } }, 403],
      [
        'demo',
        `GET ${path}?name=some`,
        null,
        200,
        { application_credentials: [{ id: '$some', unrestricted: null, roles: [{ name: 'reader' }] }] },
      ],
      [
        'nobody',
        'POST /v3/auth/tokens',
        by({ id: '$all', secret }),
        201,
        { token: { project: { name: 'demo' }, application_credential: { name: 'all', restricted: true } } },
      ],
      [
        'nobody',
        'POST /v3/auth/tokens',
        by({ name: 'some', secret: 's', user: { name: 'demo', domain: inDefault } }),
        201,
        { token: { roles: [{ name: 'reader' }], expires_at: '2026-01-01T00:10:00.000000Z' } },
      ],
      ['nobody', 'POST /v3/auth/tokens', by({ id: '$all', secret: 'x' }), 401],
      ['nobody', 'POST /v3/auth/tokens', by({ id: 'none', secret: 'x' }), 404],
      ['nobody', 'POST /v3/auth/tokens', by({ id: '$all', secret }, { scope: { system: { all: true } } }), 401],
    ],
    { demo, all },
  )
  const logIn = async (id: string, secret: string) =>
    (await cloud.send('POST /v3/auth/tokens', { body: by({ id, secret }) })).header('x-subject-token')!
  const restricted = await logIn(all, secret)
  const free = await cloud.as(tokens.demo!)(`POST ${path.replace('$demo', demo)}`, {
    application_credential: { name: 'free', secret: 'f', unrestricted: true },
  })
  const unrestricted = await logIn(free.body.application_credential.id, 'f')
  await walk(
    cloud,
    { ...tokens, restricted, unrestricted },
    [
      ['restricted', `POST ${path}`, { application_credential: { name: 'y' } }, 403],
      ['unrestricted', `POST ${path}`, { application_credential: { name: 'y' } }, 201],
      ['nobody', 'POST /v3/auth/tokens', { auth: { identity: { methods: ['token'], token: { id: restricted } } } }, 403],
      ['restricted', 'GET /v3/auth/projects', null, 200],
      ['demo', `DELETE ${path}/$all`, null, 204],
      ['restricted', 'GET /v3/auth/projects', null, 401],
    ],
    ids,
  )
  cloud.clock.time += 600_000
  await walk(cloud, tokens, [['nobody', 'POST /v3/auth/tokens', by({ id: '$some', secret: 's' }), 401]], ids)
})

test('regions, services and endpoints', async () => {
  const { cloud, tokens } = await start()
  await walk(cloud, tokens, [
    ['admin', 'POST /v3/regions', { region: { id: 'R1' } }, 201, { region: { description: '', parent_region_id: null } }],
    ['admin', 'POST /v3/regions', { region: { id: 'R1' } }, 409],
    ['admin', 'PUT /v3/regions/R2', { region: { parent_region_id: 'R1' } }, 201],
    ['admin', 'PATCH /v3/regions/R1', { region: { parent_region_id: 'R2' } }, 400],
    ['admin', 'POST /v3/services', { service: { type: 'dns', name: 'designate' } }, 201, { service: { enabled: true } }, 's'],
    ['admin', 'POST /v3/services', { service: {} }, 400],
    [
      'admin',
      'POST /v3/endpoints',
      { endpoint: { service_id: '$s', interface: 'public', url: 'http://dns/%(tenant_id)s', region: 'R3' } },
      201,
      { endpoint: { region_id: 'R3', region: 'R3', url: 'http://dns/%(tenant_id)s' } },
      'e',
    ],
    ['admin', 'GET /v3/regions/R3', null, 200],
    ['admin', 'POST /v3/endpoints', { endpoint: { service_id: '$s', interface: 'public', url: 'http://dns', region_id: 'R4' } }, 400],
    ['admin', 'POST /v3/endpoints', { endpoint: { service_id: 'none', interface: 'public', url: 'http://dns' } }, 400],
    ['admin', 'POST /v3/endpoints', { endpoint: { service_id: '$s', interface: 'outer', url: 'http://dns' } }, 400],
    ['admin', 'POST /v3/endpoints', { endpoint: { service_id: '$s', interface: 'public', url: 'http://dns/%(nothing)s' } }, 400],
    ['admin', 'DELETE /v3/regions/R3', null, 403],
    ['admin', 'PATCH /v3/endpoints/$e', { endpoint: { region_id: 'R2' } }, 200],
    ['admin', 'DELETE /v3/regions/R1', null, 403],
    ['admin', 'DELETE /v3/services/$s', null, 204],
    ['admin', 'GET /v3/endpoints/$e', null, 404],
    ['admin', 'DELETE /v3/regions/R1', null, 204],
    ['admin', 'GET /v3/regions/R2', null, 404],
  ])
})

test('an endpoint of the embedded cloud follows the client until somebody says otherwise', async () => {
  const { cloud } = await start()
  const seen = async (host: string) => {
    const { body } = await cloud.send('GET /v3/endpoints?interface=public', { token: cloud.admin, host })
    return body.endpoints.map((endpoint: { url: string }) => endpoint.url)
  }
  expect(await seen('a:5000')).toEqual(['http://a:5000/v3', 'http://a:8774/v2.1', 'http://a:8776/v3/%(project_id)s'])
  const [, compute] = (await cloud.send('GET /v3/endpoints?interface=public', { token: cloud.admin, host: 'a:5000' })).body.endpoints
  const patch = (endpoint: object) =>
    cloud.send(`PATCH /v3/endpoints/${compute.id}`, { token: cloud.admin, host: 'a:5000', body: { endpoint } })
  await patch({ url: 'http://a:8774/v2.1', enabled: true })
  expect((await seen('[::1]:5000'))[1]).toBe('http://[::1]:8774/v2.1')
  await patch({ url: 'http://fixed/v2.1' })
  expect((await seen('b:5000'))[1]).toBe('http://fixed/v2.1')
})

test('unified limits', async () => {
  const { cloud, tokens } = await start()
  const admin = cloud.as(cloud.admin)
  const nova = (await admin('GET /v3/services?type=compute')).body.services[0].id
  const demo = (await admin('GET /v3/projects?name=demo')).body.projects[0].id
  const registered = await admin('POST /v3/registered_limits', {
    registered_limits: [
      { service_id: nova, resource_name: 'servers', default_limit: 10 },
      { service_id: nova, resource_name: 'class:VCPU', region_id: 'RegionOne', default_limit: -1 },
    ],
  })
  expect(registered.status).toBe(201)
  const [servers, vcpus] = registered.body.registered_limits
  const made = await admin('POST /v3/limits', {
    limits: [{ service_id: nova, project_id: demo, resource_name: 'servers', resource_limit: 3 }],
  })
  expect(made.body.limits[0]).toMatchObject({ project_id: demo, domain_id: null, region_id: null, description: null, resource_limit: 3 })
  await walk(
    cloud,
    tokens,
    [
      ['demo', 'GET /v3/limits/model', null, 200, { model: { name: 'flat' } }],
      ['demo', 'GET /v3/limits', null, 200, { limits: [{ resource_name: 'servers' }] }],
      ['demo', 'GET /v3/limits?resource_name=other', null, 200, { limits: [] }],
      ['demo', 'GET /v3/limits/$limit', null, 200],
      [
        'demo',
        'GET /v3/registered_limits?service_id=$nova&resource_name=servers',
        null,
        200,
        { registered_limits: [{ default_limit: 10 }] },
      ],
      [
        'demo',
        'POST /v3/limits',
        { limits: [{ service_id: '$nova', project_id: '$demo', resource_name: 'servers', resource_limit: 3 }] },
        403,
      ],
      [
        'admin',
        'POST /v3/limits',
        { limits: [{ service_id: '$nova', project_id: '$demo', resource_name: 'servers', resource_limit: 4 }] },
        409,
      ],
      [
        'admin',
        'POST /v3/limits',
        { limits: [{ service_id: '$nova', project_id: '$demo', resource_name: 'class:VCPU', resource_limit: 4 }] },
        403,
      ],
      ['admin', 'POST /v3/limits', { limits: [{ service_id: '$nova', resource_name: 'servers', resource_limit: 4 }] }, 400],
      [
        'admin',
        'POST /v3/registered_limits',
        { registered_limits: [{ service_id: '$nova', resource_name: 'servers', default_limit: 1 }] },
        409,
      ],
      ['admin', 'POST /v3/registered_limits', { registered_limits: [{ service_id: '$nova', resource_name: 'x', default_limit: -2 }] }, 400],
      ['admin', 'PATCH /v3/registered_limits/$servers', { registered_limit: { default_limit: 2 } }, 403],
      [
        'admin',
        'PATCH /v3/registered_limits/$vcpus',
        { registered_limit: { default_limit: 2 } },
        200,
        { registered_limit: { default_limit: 2 } },
      ],
      ['admin', 'DELETE /v3/registered_limits/$servers', null, 403],
      ['admin', 'PATCH /v3/limits/$limit', { limit: { resource_limit: 7 } }, 200, { limit: { resource_limit: 7 } }],
      ['admin', 'DELETE /v3/limits/$limit', null, 204],
      ['admin', 'DELETE /v3/registered_limits/$servers', null, 204],
      ['admin', 'GET /v3/registered_limits/$servers', null, 404, 'Could not find registered limit for $servers.'],
    ],
    { nova, demo, servers: servers.id, vcpus: vcpus.id, limit: made.body.limits[0].id },
  )
})
