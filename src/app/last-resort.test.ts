import { describe, expect, test } from 'vitest'
import { type Application, type Response, text } from './contract.ts'
import { lastResort } from './last-resort.ts'
import { ask } from './testing.ts'

const error = new Error('a secret')
const said: Application = async () => text(200, 'said')
const fails: Application = () => Promise.reject(error)

async function* half(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('half ')
  throw error
}
async function* all(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('all ')
  yield Buffer.from('of it')
}
const inPieces =
  (pieces: () => AsyncIterable<Uint8Array>): Application =>
  async () => ({ status: 200, headers: [], body: pieces() })

/** What the client gets: `!` stands where the connection breaks. */
async function received({ body }: Response): Promise<string> {
  if (body === null || typeof body === 'string' || body instanceof Uint8Array) return String(body)
  let text = ''
  try {
    for await (const chunk of body) text += Buffer.from(chunk)
  } catch {
    return `${text}!`
  }
  return text
}

describe('the last resort', () => {
  const failed = 'Internal Server Error\n'
  const gone = AbortSignal.abort()
  const rows: [name: string, Application, AbortSignal | undefined, answer: unknown[], told: unknown[]][] = [
    ['leaves an answer as it is', said, undefined, [200, 'said'], []],
    ['answers for an application that fails', fails, undefined, [500, failed], [error]],
    ['tells nothing of who did not wait', fails, gone, [500, failed], []],
    ['leaves an answer in pieces as it is', inPieces(all), undefined, [200, 'all of it'], []],
    ['tells of one that fails midway', inPieces(half), undefined, [200, 'half !'], [error]],
    ['tells nothing of one that nobody waits for', inPieces(half), gone, [200, 'half !'], []],
    ['tells once where there are two', lastResort(() => undefined)(inPieces(half)), undefined, [200, 'half !'], []],
  ]
  for (const [name, app, signal, answer, expected] of rows)
    test(name, async () => {
      const told: unknown[] = []
      const given = await lastResort((reason, { path }) => told.push(path, reason))(app)(ask('GET /x', signal && { signal }))
      expect([given.status, await received(given)]).toEqual(answer)
      expect(told).toEqual(expected.flatMap((reason) => ['/x', reason]))
    })

  test('a client that goes away closes what makes the pieces, and nothing is told', async () => {
    const told: unknown[] = []
    let closed = false
    async function* endless() {
      try {
        for (;;) yield Buffer.from('.')
      } finally {
        closed = true
      }
    }
    const { body } = await lastResort((reason) => told.push(reason))(inPieces(endless))(ask('GET /'))
    for await (const _ of body as AsyncIterable<Uint8Array>) break
    expect([closed, told]).toEqual([true, []])
  })
})
