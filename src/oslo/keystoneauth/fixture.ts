/** For tests: a small Keystone that listens on a port of its own, and a service beside it that answers what a test says. */
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { OptionGroup, Settings } from '../config/options.ts'

type Options = OptionGroup<Record<string, never>>['options']

/** The defaults of some options, with changes. */
export function defaultsOf<O extends Options | Record<string, { readonly default: unknown }>>(
  options: O,
  changes: Partial<Settings<OptionGroup<O & Options>>> = {},
): Settings<OptionGroup<O & Options>> {
  return { ...Object.fromEntries(Object.entries(options).map(([key, option]) => [key, option.default])), ...changes } as never
}

export interface Seen {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export interface Said {
  readonly status?: number
  readonly headers?: Record<string, string>
  readonly body?: unknown
  /** Never answers. */
  readonly silent?: boolean
  /** Ends the connection without an answer. */
  readonly broken?: boolean
}

export interface TestKeystone {
  /** Of the server, without a version. */
  readonly url: string
  /** Every request, in the order in which they came. */
  readonly seen: Seen[]
  /** Tokens of users, by token: the bodies that are told of them. */
  readonly tokens: Map<string, { token: Record<string, unknown> }>
  /** How long tokens of our own live. */
  lifeMs: number
  /** Whether tokens of our own are taken. */
  trusts: (token: string) => boolean
  /** Answers before Keystone does; undefined lets Keystone answer. */
  answer: (seen: Seen) => Said | undefined
  requests(path: string): Seen[]
  close(): Promise<void>
}

/** What Keystone says about a token; `more` adds to it or replaces. */
export const tokenBody = (more: Record<string, unknown> = {}, lifeMs = 3_600_000) => ({
  token: {
    methods: ['password'],
    expires_at: new Date(Date.now() + lifeMs).toISOString().replace('Z', '000Z'),
    issued_at: new Date().toISOString(),
    user: { id: 'u1', name: 'joe', domain: { id: 'default', name: 'Default' } },
    project: { id: 'p1', name: 'demo', domain: { id: 'default', name: 'Default' } },
    roles: [
      { id: 'r1', name: 'member' },
      { id: 'r2', name: 'reader' },
    ],
    catalog: [],
    ...more,
  },
})

export async function testKeystone(): Promise<TestKeystone> {
  let issued = 0
  const server: Server = createServer(async (request, answer) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const asked = { method: request.method!, path: request.url!, headers: request.headers, body }
    self.seen.push(asked)
    const said = self.answer(asked) ?? keystone(asked)
    if (said.silent) return
    if (said.broken) return void request.socket.destroy()
    answer.writeHead(said.status ?? 200, { 'content-type': 'application/json', ...said.headers })
    answer.end(said.body === undefined ? '' : typeof said.body === 'string' ? said.body : JSON.stringify(said.body))
  })

  const catalog = () => [
    { type: 'identity', name: 'keystone', endpoints: ['public', 'internal', 'admin'].map((kind) => endpoint(kind, `${self.url}/v3`)) },
    {
      type: 'network',
      name: 'neutron',
      endpoints: [endpoint('public', `${self.url}/public`), endpoint('internal', `${self.url}/internal`)],
    },
  ]
  const endpoint = (kind: string, url: string) => ({ id: kind, interface: kind, region: 'RegionOne', region_id: 'RegionOne', url })

  function keystone({ method, path, headers, body }: Seen): Said {
    if (path === '/')
      return { status: 300, body: { versions: { values: [{ id: 'v3.14', links: [{ rel: 'self', href: `${self.url}/v3/` }] }] } } }
    if (!path.startsWith('/v3/auth/tokens')) return { status: 404 }
    if (method === 'POST') {
      if (!body.includes('"secret"')) return { status: 401, body: { error: { code: 401 } } }
      const token = tokenBody(
        { user: { id: 'nova', name: 'nova', domain: { id: 'default', name: 'Default' } }, catalog: catalog() },
        self.lifeMs,
      )
      return { status: 201, headers: { 'x-subject-token': `ours-${++issued}` }, body: token }
    }
    if (!self.trusts(String(headers['x-auth-token']))) return { status: 401, body: { error: { code: 401 } } }
    const found = self.tokens.get(String(headers['x-subject-token']))
    return found ? { body: found } : { status: 404, body: { error: { code: 404 } } }
  }

  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const self: TestKeystone = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen: [],
    tokens: new Map(),
    lifeMs: 3_600_000,
    trusts: (token) => token.startsWith('ours-'),
    answer: () => undefined,
    requests: (path) => self.seen.filter((seen) => seen.path.startsWith(path)),
    close: () =>
      new Promise((done) => {
        server.close(() => done())
        server.closeAllConnections()
      }),
  }
  return self
}
