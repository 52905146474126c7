import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { type Application, text } from '../app/contract.ts'
import { ask } from '../app/testing.ts'
import { loadApplication } from './load.ts'
import { mount } from './mount.ts'
import { addHeaders, healthPath } from './own-answers.ts'
import { serverTiming } from './server-timing.ts'

const folder = mkdtempSync(join(tmpdir(), 'load-test-'))
afterAll(() => rmSync(folder, { recursive: true }))
writeFileSync(
  join(folder, 'apps.mjs'),
  `const answer = { status: 200, headers: [], body: 'contract' }
export const application = { handle: async () => answer }
export const contract = async (request) => answer
export const standard = { prefix: 'fetched ', async fetch(request) { return new Response(this.prefix + request.method + ' ' + request.url + ' ' + await request.text(), { headers: { vary: 'a' } }) } }
export const careless = async (request) => ({ ...answer, body: 5 })
export const listener = (request, response) => response.end()
export const late = { handle: async () => answer, ready: async () => { throw new Error('not yet') } }; export default { fetch: () => new Response('default') }
`,
)
writeFileSync(join(folder, 'only-default.mjs'), 'export default { fetch: () => new Response("default") }')
writeFileSync(join(folder, 'broken.mjs'), 'throw new Error("broken at import")')
writeFileSync(join(folder, 'empty.mjs'), 'export const other = 1')

const bodyOf = async (name: string, line = 'GET /x'): Promise<string> => {
  const { application } = await loadApplication(name, { from: folder })
  const { body } = await application(ask(line, { body: 'b' }))
  if (typeof body === 'string') return body
  const chunks: Uint8Array[] = []
  for await (const chunk of body as AsyncIterable<Uint8Array>) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

describe('an application', () => {
  const rows: [string, string, string][] = [
    ['what is exported as application', './apps.mjs', 'contract'],
    ['without ./', 'apps.mjs', 'contract'],
    ['by its whole path', join(folder, 'apps.mjs'), 'contract'],
    ['by name', './apps.mjs:contract', 'contract'],
    ['of the web standard', './apps.mjs:standard', 'fetched POST http://nova.example:8774/x?y b'],
    ['by default', './only-default.mjs', 'default'],
  ]
  for (const [name, module, expected] of rows) test(name, async () => expect(await bodyOf(module, 'POST /x?y')).toBe(expected))

  const refused: [string, string][] = [
    ['./nowhere.mjs', './nowhere.mjs cannot be loaded'],
    ['no-such-package', 'no-such-package cannot be loaded'],
    ['./broken.mjs', 'broken at import'],
    ['./empty.mjs', 'exports no application; it exports other'],
    ['./apps.mjs:nothing', 'exports no nothing'],
    ['./apps.mjs:listener', 'is no application'],
    ['./empty.mjs:other', 'is no application'],
  ]
  for (const [module, message] of refused)
    test(`${module} is refused`, async () => expect(loadApplication(module, { from: folder })).rejects.toThrow(message))

  test('a package that is not there is told in one line', async () =>
    expect(loadApplication('no-such-package', { from: folder })).rejects.toThrow(
      /^no-such-package cannot be loaded: Cannot find module 'no-such-package'$/,
    ))

  test('that gives what cannot be sent throws, with its name', async () => {
    const { application } = await loadApplication('./apps.mjs:careless', { from: folder })
    await expect(application(ask('GET /'))).rejects.toThrow('./apps.mjs gave no answer that can be sent: its body is a number')
  })

  test('says when it is ready', async () => {
    await (await loadApplication('./apps.mjs', { from: folder })).ready()
    await expect((await loadApplication('./apps.mjs:late', { from: folder })).ready()).rejects.toThrow('not yet')
  })
})

describe('what a host adds', () => {
  const said: Application = async ({ scriptName, path }) => text(200, `${scriptName}|${path}`)
  const mounts: [string, string, string][] = [
    ['/compute', '/compute/v2.1', '/compute|/v2.1'],
    ['/compute/', '/compute', '/compute|'],
    ['/compute', '/computes', '|/computes'],
    ['/compute', '/', '|/'],
    ['/', '/a', '|/a'],
    ['', '/a', '|/a'],
  ]
  for (const [prefix, path, expected] of mounts)
    test(`a mount at ${prefix || 'nothing'}: ${path}`, async () =>
      expect((await mount(prefix)(said)(ask(`GET ${path}`))).body).toBe(expected))

  test('headers, behind those of the application', async () => {
    const { headers } = await addHeaders([['Connection', 'close']])(said)(ask('GET /'))
    expect(headers.at(-1)).toEqual(['Connection', 'close'])
  })

  test('a health check that says when the process leaves', async () => {
    let leaving = false
    const app = healthPath('/healthcheck', () => leaving)(said)
    const status = async (line: string) => (await app(ask(line))).status
    expect([await status('GET /healthcheck'), await status('HEAD /healthcheck')]).toEqual([200, 200])
    leaving = true
    expect([await status('GET /healthcheck'), await status('GET /')]).toEqual([503, 200])
    expect((await app(ask('POST /healthcheck'))).body).toBe('|/healthcheck')
  })

  test('Server-Timing', async () => {
    const times = [1000, 1012.34]
    const { headers } = await serverTiming(() => times.shift()!)(said)(ask('GET /'))
    expect(headers.at(-1)).toEqual(['Server-Timing', 'app;dur=12.3'])
  })
})
