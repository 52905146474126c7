import { describe, expect, test } from 'vitest'
import { type Application, text } from '../contract.ts'
import { ask } from '../testing.ts'
import { sizeLimit } from './size-limit.ts'

const app: Application = async (request) => text(200, String((await request.body()).length))
const declared = (length: number, headers: Record<string, string> = {}) =>
  ask('POST /', { body: 'x'.repeat(length), headers: { 'content-length': String(length), ...headers } })
const streamed = (length: number, headers: Record<string, string> = {}) => ask('POST /', { body: 'x'.repeat(length), headers })
const limit = sizeLimit({ maxBytes: 10 })(app)

describe('bodies', () => {
  test('up to the limit pass', async () => {
    expect((await limit(declared(10))).body).toBe('10')
    expect((await limit(streamed(10))).body).toBe('10')
    expect((await limit(streamed(0))).body).toBe('0')
  })
  test('the limit of the host is told', async () => {
    const request = streamed(0)
    await limit(request)
    expect(request.environ.maxBodyBytes).toBe(10)
  })
  test('by default 112 KiB', async () => {
    expect((await sizeLimit()(app)(declared(114_688))).status).toBe(200)
    expect((await sizeLimit()(app)(declared(114_689))).status).toBe(413)
  })
  test('other errors pass', async () => {
    const fails = sizeLimit()(() => Promise.reject(new Error('other')))
    await expect(fails(streamed(1))).rejects.toThrow('other')
  })

  const html = (sentence: string) =>
    `<html>\n <head>\n  <title>413 Request Entity Too Large</title>\n </head>\n <body>\n  <h1>413 Request Entity Too Large</h1>\n  ${sentence}<br /><br />\n\n\n\n </body>\n</html>`
  const json = (sentence: string) =>
    `{"message": "${sentence}<br /><br />\\n\\n\\n", "code": "413 Request Entity Too Large", "title": "Request Entity Too Large"}`
  const plain = (sentence: string) => `413 Request Entity Too Large\n\n${sentence}\n\n   `
  const rows: [string | undefined, string, (sentence: string) => string][] = [
    [undefined, 'text/plain; charset=UTF-8', plain],
    ['*/*', 'text/html; charset=UTF-8', html],
    ['text/html', 'text/html; charset=UTF-8', html],
    ['application/json', 'application/json', json],
    ['application/json;q=0.1, text/plain', 'application/json', json],
    ['text/html;q=0.5, application/*', 'application/json', json],
    ['application/json;version=2.1', 'text/plain; charset=UTF-8', plain],
    ['application/json;q=0', 'text/plain; charset=UTF-8', plain],
    ['application/xml', 'text/plain; charset=UTF-8', plain],
    ['not a media type', 'text/html; charset=UTF-8', html],
    ['', 'text/plain; charset=UTF-8', plain],
  ]
  for (const [accept, type, body] of rows)
    test(`above it are refused, as ${accept} likes it`, async () => {
      const headers: Record<string, string> = accept === undefined ? {} : { accept }
      expect(await limit(declared(11, headers))).toEqual({
        status: 413,
        headers: [['Content-Type', type]],
        body: body('Request is too large. Larger than max_request_body_size (%s).'),
      })
      expect(await limit(streamed(11, headers))).toEqual({
        status: 413,
        headers: [['Content-Type', type]],
        body: body('Request is too large. Larger than 10.'),
      })
    })
})
