import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { ask } from '../testing.ts'
import { type HealthcheckSettings, healthcheck } from './healthcheck.ts'

const directory = mkdtempSync(join(tmpdir(), 'healthcheck-test-'))
afterAll(() => rmSync(directory, { recursive: true }))
const there = join(directory, 'there')
const missing = join(directory, 'missing')
writeFileSync(there, '')

const well: HealthcheckSettings = { backends: ['disable_by_file'], disableByFile: missing }
const ill: HealthcheckSettings = { backends: ['disable_by_file'], disableByFile: there }
const call = (settings: HealthcheckSettings, line = 'GET /', headers: Record<string, string> = {}) =>
  healthcheck(settings)(ask(line, { headers }))

describe('the health check', () => {
  const rows: [string, HealthcheckSettings, number, string][] = [
    ['without backends', {}, 200, ''],
    ['no file disables it', well, 200, 'OK'],
    ['a file disables it', ill, 503, 'DISABLED BY FILE'],
    ['no file is named', { backends: ['disable_by_file'] }, 200, 'OK'],
    ['files enable it', { backends: ['enable_by_files'], enableByFiles: [there] }, 200, 'OK'],
    ['a file is missing', { backends: ['enable_by_files'], enableByFiles: [there, missing] }, 503, 'FILE PATH MISSING'],
    ['from a network that may ask', { ...well, sourceRanges: ['10.0.0.0/8', '127.0.0.1'] }, 200, 'OK'],
    [
      'from another network',
      { ...well, sourceRanges: ['10.0.0.0/8', '::1/128'] },
      404,
      '404 Not Found\n\nThe resource could not be found.\n\n   ',
    ],
  ]
  for (const [name, settings, status, body] of rows)
    test(name, async () => {
      const answer = await call(settings)
      expect([answer.status, answer.headers, answer.body]).toEqual([status, [['Content-Type', 'text/plain; charset=UTF-8']], body])
    })

  test('HEAD', async () => {
    expect(await call(well, 'HEAD /')).toEqual({ status: 204, headers: [], body: null })
    expect((await call(ill, 'HEAD /')).status).toBe(503)
  })

  test('through a proxy', async () => {
    const headers = { 'x-forwarded-for': '1.2.3.4' }
    expect((await call({ ignoreProxied: true }, 'GET /', headers)).status).toBe(404)
    expect((await call({ ignoreProxied: true })).status).toBe(200)
    expect((await call({}, 'GET /', headers)).status).toBe(200)
  })

  test('JSON and HTML', async () => {
    const json = await call(ill, 'GET /', { accept: 'application/json' })
    expect([json.headers[0]![1], json.body]).toEqual([
      'application/json',
      '{\n    "detailed": false,\n    "reasons": [\n        "DISABLED BY FILE"\n    ]\n}',
    ])
    const html = await call(well, 'GET /', { accept: 'text/html' })
    expect([html.headers[0]![1], html.body]).toEqual([
      'text/html; charset=UTF-8',
      '<HTML>\n<HEAD><TITLE>Healthcheck Status</TITLE></HEAD>\n<BODY>\n\n<H2>Result of 1 checks:</H2>\n<TABLE bgcolor="#ffffff" border="1">\n<TBODY>\n<TR>\n\n<TH>\nReason\n</TH>\n</TR>\n<TR>\n\n    <TD>OK</TD>\n\n</TR>\n</TBODY>\n</TABLE>\n<HR></HR>\n\n</BODY>\n</HTML>',
    ])
    expect((await call(well, 'GET /', { accept: '*/*' })).body).toBe('OK')
    expect((await call(well, 'GET /', { accept: 'image/png' })).body).toBe('OK')
  })

  test('detailed', async () => {
    const settings = { ...ill, detailed: true, now: () => new Date(0) }
    const json = JSON.parse((await call(settings, 'GET /', { accept: 'application/json' })).body as string)
    expect(json).toMatchObject({
      detailed: true,
      now: '1970-01-01T00:00:00.000Z',
      reasons: [{ class: 'HealthcheckResult', reason: 'DISABLED BY FILE', details: `Path '${there}' was found` }],
    })
    expect((await call(settings, 'GET /', { accept: 'text/html' })).body).toContain(`<TD>Path &#x27;${there}&#x27; was found</TD>`)
    expect((await call(settings)).body).toBe('DISABLED BY FILE')
  })

  const refused: [HealthcheckSettings, string][] = [
    [
      { backends: ['disable_by_files_ports'] },
      "no health check backend is known as 'disable_by_files_ports'; known are disable_by_file, enable_by_files",
    ],
    [{ backends: ['disable_by_file', 'enable_by_files'] }, 'disable_by_file and enable_by_files exclude each other'],
    [{ sourceRanges: ['x/8'] }, "'x/8' is not a network"],
  ]
  for (const [settings, message] of refused) test(`refused: ${message}`, () => expect(() => healthcheck(settings)).toThrow(message))
})
