import { describe, expect, test } from 'vitest'
import { type Application, BodyTooLarge, text } from '../contract.ts'
import { ask } from '../testing.ts'
import { faultWrap } from './fault-wrap.ts'

const body =
  '{"computeFault": {"code": 500, "message": "The server has either erred or is incapable of performing the requested operation."}}'

async function run(app: Application, request = ask('GET /servers?x=1', { scriptName: '/v2.1' })) {
  const lines: string[] = []
  const note = (level: string) => (message: string, details?: { error?: unknown }) =>
    void lines.push(`${level} ${message}${details?.error ? ` + ${details.error}` : ''}`)
  const log = { error: note('ERROR'), info: note('INFO'), debug: note('DEBUG') }
  return { answer: await faultWrap({ log })(app)(request), lines }
}
const fails: Application = async () => {
  throw new TypeError('the secret cause')
}

describe('an error nobody foresaw', () => {
  test('is told to the log, and a fault to the client', async () => {
    const { answer, lines } = await run(fails)
    expect(answer).toEqual({ status: 500, headers: [['Content-Type', 'application/json; charset=UTF-8']], body })
    expect(lines).toEqual([
      'ERROR Caught error: the secret cause + TypeError: the secret cause',
      'INFO http://nova.example:8774/v2.1/servers?x=1 returned with HTTP 500',
    ])
  })

  test('names the microversion once it is known', async () => {
    const { answer } = await run(async (request) => {
      request.environ.microversion = '2.5'
      return fails(request)
    })
    expect(answer.headers.map(([name, value]) => `${name}: ${value}`)).toEqual([
      'OpenStack-API-Version: compute 2.5',
      'X-OpenStack-Nova-API-Version: 2.5',
      'Vary: OpenStack-API-Version',
      'Vary: X-OpenStack-Nova-API-Version',
      'Content-Type: application/json; charset=UTF-8',
    ])
  })

  test('a client that went away is no error', async () => {
    const { lines } = await run(fails, ask('GET /', { signal: AbortSignal.abort() }))
    expect(lines).toEqual(['DEBUG The client went away before it was answered + TypeError: the secret cause'])
  })

  test('a body that is too large is a 413', async () => {
    const { answer, lines } = await run(async () => {
      throw new BodyTooLarge('more than 5 bytes')
    })
    expect([answer.status, answer.body, lines]).toEqual([413, '413 Request Entity Too Large\n\nmore than 5 bytes\n\n   ', []])
  })

  test('an answer passes', async () => expect((await run(async () => text(404, 'x'))).answer.status).toBe(404))
})
