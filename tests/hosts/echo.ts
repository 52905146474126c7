/** The application of the host tests: says what it was asked, and misbehaves when told to. It runs on every runtime, so it imports nothing of Node. */
import type { Application, Request, Response } from '../../src/app/contract.ts'
import { toFetch } from '../../src/hosts/fetch.ts'
import { toNodeListener } from '../../src/hosts/node.ts'

/** Requests that were given up by their clients while they were answered, by the name that they bore. */
const aborted = new Set<string>()

/** The names that requests bore which have reached the application and are answered slowly. */
const begun = new Set<string>()

const delay = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const line = (text: string): Uint8Array => new TextEncoder().encode(text)

const answer = (status: number, body: Response['body'], headers: [string, string][] = []): Response => ({
  status,
  headers: [['Content-Type', 'application/json'], ...headers],
  body,
})

type Act = (request: Request, word: string, name: string) => Response | Promise<Response>

/** By the first part of the path. */
const acts: Readonly<Record<string, Act>> = {
  vary: () =>
    answer(200, '{}', [
      ['Vary', 'OpenStack-API-Version'],
      ['Vary', 'X-OpenStack-Nova-API-Version'],
    ]),
  status: (_, word) =>
    word === '204' || word === '304' ? { status: Number(word), headers: [], body: null } : answer(Number(word), '{"status":1}'),
  large: (_, word) => answer(200, `"${'é'.repeat(Number(word) / 2)}"`),
  stream: (_, word) => answer(200, pieces(Number(word))),
  /** Answers after so many milliseconds, and remembers who asked and who did not wait. */
  slow: async ({ signal }, word, name) => {
    begun.add(name)
    const gone = new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve()))
    const end = await Promise.race([delay(Number(word)).then(() => 'done'), gone.then(() => 'gone')])
    if (end === 'gone') aborted.add(name)
    return answer(200, JSON.stringify({ end }))
  },
  begun: (_, name) => answer(200, JSON.stringify({ begun: begun.has(name) })),
  aborted: (_, name) => answer(200, JSON.stringify({ aborted: aborted.has(name) })),
  /** Answers before it has read the body. */
  unread: () => answer(413, '{"unread":true}'),
  fail: () => Promise.reject(new Error('a secret of the application')),
  /** What no host can send. */
  careless: () => answer(200, 5 as never),
  /** Lets nothing else happen for so many milliseconds. */
  stuck: (_, word) => {
    const end = performance.now() + Number(word)
    while (performance.now() < end);
    return answer(200, '{}')
  },
  where: () => answer(200, JSON.stringify({ directory: process.cwd() })),
  pid: () => answer(200, JSON.stringify({ pid: process.pid })),
  /** An error outside of any request. */
  crash: () => {
    setTimeout(() => {
      throw new Error('thrown where nobody catches it')
    }, 1)
    return answer(200, '{}')
  },
  length: async (request) => {
    let bytes = 0
    for await (const chunk of request.chunks?.() ?? [await request.body()]) bytes += chunk.length
    return answer(200, JSON.stringify({ bytes }))
  },
}

async function* pieces(count: number): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < count; i++) {
    yield line(`${i}\n`)
    await delay(5)
  }
}

async function say(request: Request): Promise<Response> {
  const { method, target, scriptName, path, query, scheme, protocol, remoteAddress, headers } = request
  const body = Buffer.from(await request.body()).toString()
  return answer(200, JSON.stringify({ method, target, scriptName, path, query, scheme, protocol, remoteAddress, headers, body }))
}

const handle: Application = async (request) => {
  const [, first = '', word = '', name = ''] = request.path.split('/')
  const act = Object.hasOwn(acts, first) ? acts[first]! : say
  return act(request, word, name)
}

export const application = Object.assign(toNodeListener(handle), { handle, fetch: toFetch(handle) })

export default { fetch: application.fetch }
