/** What users are told when Neutron does not do what the API asks of it for them: addresses, interfaces and security groups. */
import { expect, test } from 'vitest'
import type { CallOptions } from '../../../../tests/support/compute-api.ts'
import { farm, portId } from '../../../../tests/support/servers.ts'
import { PeerError } from '../../../oslo/keystoneauth/errors.ts'
import type { Answer, Ask, Session } from '../../../oslo/keystoneauth/session.ts'
import { neutron } from '../../../peers/neutron.ts'

/** What Neutron answers to `METHOD path`: a body, or the status of a refusal. */
type Script = Readonly<Record<string, object | number>>

/** Asked as itself where there is no caller. */
function scripted(script: Script, caller?: { isAdmin: boolean }): Session {
  const request = async ({ method = 'GET', path = '', allow = [] }: Ask): Promise<Answer> => {
    const answer = script[`${method} ${path}`]
    if (answer === undefined) throw new Error(`nobody expected ${method} ${path}`)
    const status = typeof answer === 'number' ? answer : 200
    if (status >= 400 && allow !== 'all' && !allow.includes(status))
      throw new PeerError('no', { kind: 'status', service: 'network', status, body: Buffer.from('{"message": "said so"}'), caller })
    return { status, json: () => answer } as unknown as Answer
  }
  return { request } as unknown as Session
}

test('of several ports with an address the last one gets the floating one', async () => {
  const asked: Ask[] = []
  const both = ['first', 'last'].map((id) => ({ id, fixed_ips: [{ ip_address: '10.0.0.5' }] }))
  const { request } = scripted({ 'GET /v2.0/ports': { ports: both }, ...bare, 'PUT /v2.0/floatingips/one': { floatingip: {} } })
  const session = { request: (ask: Ask) => request(asked[asked.push(ask) - 1]!) } as Session
  const peer = neutron(
    { as: () => session, own: session, close: async () => undefined },
    { clock: { now: () => 0 }, extensionSeconds: 600 },
  )
  const farmed = await farm({}, { peers: { neutron: peer } })
  for (const [availabilityZone, owner] of [
    ['az1', 'compute:az1'],
    [null, 'compute:None'],
  ] as const) {
    const uuid = await farmed.server({ availabilityZone })
    expect((await farmed.api.call('2.1', `POST /servers/${uuid}/action`, { addFloatingIp: { address } })).status).toBe(202)
    expect(asked.shift()?.query).toEqual({ device_id: uuid, device_owner: owner })
    expect(asked.splice(0).at(-1)?.json).toEqual({ floatingip: { port_id: 'last', fixed_ip_address: '10.0.0.5' } })
  }
  await farmed.close()
})

const neutronOf = (script: Script) =>
  neutron(
    { as: ({ isAdmin }) => scripted(script, { isAdmin }), own: scripted(script), close: async () => undefined },
    { clock: { now: () => 0 }, extensionSeconds: 600 },
  )

const address = '192.0.2.5'
const floatingIp = (id: string) => ({
  id,
  floating_ip_address: address,
  floating_network_id: 'public',
  fixed_ip_address: null,
  port_id: portId,
  port_details: null,
})
const found = { 'GET /v2.0/floatingips': { floatingips: [floatingIp('one')] } }
const bare = { 'GET /v2.0/floatingips': { floatingips: [{ ...floatingIp('one'), port_id: null }] } }
const shown = {
  ...found,
  'GET /v2.0/floatingips/one': { floatingip: floatingIp('one') },
  'GET /v2.0/networks/public': { network: { id: 'public', name: 'public' } },
  [`GET /v2.0/ports/${portId}`]: { port: { id: portId, device_id: '' } },
}
const onServer = (uuid: string) => ({ ...found, [`GET /v2.0/ports/${portId}`]: { port: { id: portId, device_id: uuid } } })
const ports = { 'GET /v2.0/ports': { ports: [{ id: portId, fixed_ips: [{ ip_address: '10.0.0.5' }] }] } }

interface Row {
  readonly told: string
  readonly route: string
  readonly body?: object
  readonly script: Script | ((uuid: string) => Script)
  readonly status: number
  readonly message: string | RegExp
  readonly as?: CallOptions['as']
}

const unable = (why: string) =>
  new RegExp(`^Unable to associate floating IP ${address} to fixed IP 10.0.0.5 for instance [-0-9a-f]+. Error: ${why}$`)
const expired = /^This server could not verify that you are authorized to\r\naccess the document you requested. /
const misconfigured = /'nova.exception.NeutronAdminCredentialConfigurationInvalid'/
const add = { route: 'POST /servers/SERVER/action', body: { addFloatingIp: { address } } }
const remove = { route: 'POST /servers/SERVER/action', body: { removeFloatingIp: { address } } }
const attach = { route: 'POST /servers/SERVER/os-interface', body: { interfaceAttachment: { port_id: portId } } }
const denied = 'Access was denied to this resource.'

const rows: Row[] = [
  {
    told: 'an address that is not there',
    ...add,
    script: { ...ports, 'GET /v2.0/floatingips': { floatingips: [] } },
    status: 404,
    message: 'floating IP not found',
  },
  {
    told: 'a Neutron without routers',
    ...add,
    script: { ...ports, 'GET /v2.0/floatingips': 404 },
    status: 404,
    message: 'floating IP not found',
  },
  {
    told: 'what the user may not',
    ...add,
    script: { ...ports, ...found, 'PUT /v2.0/floatingips/one': 403 },
    status: 403,
    message: 'said so',
  },
  { told: 'a conflict', ...add, script: { ...ports, ...found, 'PUT /v2.0/floatingips/one': 409 }, status: 400, message: 'said so' },
  {
    told: 'anything else',
    ...add,
    script: { ...ports, ...found, 'PUT /v2.0/floatingips/one': 500 },
    status: 400,
    message: unable('said so'),
  },
  { told: 'a token that is over', ...add, script: { 'GET /v2.0/ports': 401 }, status: 400, message: unable('Not authorized.') },
  {
    told: "an admin's token that is over",
    ...add,
    script: { 'GET /v2.0/ports': 401 },
    status: 400,
    message: unable('Networking client is experiencing an unauthorized exception.'),
    as: 'admin',
  },
  {
    told: 'a Neutron without routers',
    ...remove,
    script: { 'GET /v2.0/floatingips': 404 },
    status: 404,
    message: `Floating IP not found for address ${address}.`,
  },
  { told: 'what the user may not see', ...remove, script: { 'GET /v2.0/floatingips': 403 }, status: 403, message: 'said so' },
  {
    told: 'what the user may not change',
    ...remove,
    script: (uuid) => ({ ...onServer(uuid), 'PUT /v2.0/floatingips/one': 403 }),
    status: 403,
    message: denied,
  },
  { told: 'a token that is over', ...remove, script: { 'GET /v2.0/floatingips': 401 }, status: 401, message: expired },
  {
    told: 'what the user may not',
    route: 'DELETE /os-floating-ips/one',
    script: { ...shown, 'DELETE /v2.0/floatingips/one': 403 },
    status: 403,
    message: denied,
  },
  {
    told: 'an address of two networks',
    route: 'DELETE /os-floating-ips/one',
    script: { ...shown, 'GET /v2.0/floatingips': { floatingips: [floatingIp('one'), floatingIp('two')] } },
    status: 409,
    message: `Multiple floating IPs are found for address ${address}.`,
  },
  {
    told: 'an address of a network that the user does not see',
    route: 'GET /os-floating-ips',
    script: { ...found, 'GET /v2.0/networks': { networks: [] } },
    status: 500,
    message: /'nova.exception.NetworkNotFound'/,
  },
  {
    told: 'a token that is over',
    route: 'GET /servers/SERVER/os-interface',
    script: { 'GET /v2.0/ports': 401 },
    status: 401,
    message: expired,
  },
  {
    told: "an admin's token that is over",
    route: 'GET /servers/SERVER/os-interface',
    script: { 'GET /v2.0/ports': 401 },
    status: 500,
    message: misconfigured,
    as: 'admin',
  },
  {
    told: 'a token that is over',
    route: `GET /servers/SERVER/os-interface/${portId}`,
    script: { [`GET /v2.0/ports/${portId}`]: 401 },
    status: 401,
    message: expired,
  },
  {
    told: 'a token that is over, since the port is looked at as an admin',
    ...attach,
    script: { [`GET /v2.0/ports/${portId}`]: 401 },
    status: 500,
    message: misconfigured,
  },
  {
    told: 'a token that is over',
    route: 'POST /os-security-groups',
    body: { security_group: { name: 'x', description: 'x' } },
    script: { 'POST /v2.0/security-groups': 401 },
    status: 401,
    message: expired,
  },
  { told: 'a token that is over', route: 'GET /os-networks', script: { 'GET /v2.0/networks': 401 }, status: 401, message: expired },
]

for (const { told, route, body, script, status, message, as = 'member' } of rows)
  test(`${route} ${body ? Object.keys(body) : ''}: ${told} → ${status}`, async () => {
    let now: Script = {}
    const farmed = await farm({}, { peers: { neutron: neutronOf(new Proxy({}, { get: (_, key: string) => now[key] })) } })
    const uuid = await farmed.server()
    now = typeof script === 'function' ? script(uuid) : script
    const answer = await farmed.api.call('2.1', route.replace('SERVER', uuid), body, { as })
    const { message: said } = Object.values(answer.body)[0] as { message: string }
    expect([answer.status, said]).toEqual([status, typeof message === 'string' ? message : expect.stringMatching(message)])
    expect(farmed.messages).toEqual([])
    await farmed.close()
  })
