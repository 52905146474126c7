import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { settings } from './config/settings.ts'
import { readSources } from './config/sources.ts'
import { type LogContext, type LogRequest, logOptions, openLogs } from './log.ts'
import { maskPassword } from './mask-password.ts'

const directory = mkdtempSync(join(tmpdir(), 'log-test-'))
afterAll(() => rmSync(directory, { recursive: true }))

const env = (options: Record<string, string>) =>
  Object.fromEntries(Object.entries(options).map(([name, value]) => [`OS_DEFAULT__${name.toUpperCase()}`, value]))
const logSettings = async (options: Record<string, string> = {}) =>
  settings(logOptions, await readSources({ files: [], prog: 'p', searchIn: [], env: env(options) }))

/** A log with the given options, at a fixed time, and the lines it wrote. */
async function logs(options: Record<string, string> = {}, request: Partial<LogRequest> = {}) {
  const lines: string[] = []
  const sink = { write: (text: string) => void lines.push(...text.split('\n').slice(0, -1)) }
  // Local time is what is logged, so the time is made from local parts.
  const now = () => new Date(2026, 10, 2, 6, 1, 5, 7)
  return { lines, logs: openLogs({ settings: await logSettings(options), prog: 'nova-api', sink, now, pid: 42, ...request }) }
}

const context: LogContext = {
  requestId: 'req-1',
  globalRequestId: null,
  userId: 'u',
  projectId: 'p',
  domainId: null,
  systemScope: null,
  userDomainId: 'default',
  projectDomainId: 'd',
}

describe('lines', () => {
  const rows: [string, Record<string, string>, Parameters<import('./log.ts').Log['info']>, string][] = [
    ['without a request', {}, ['hello'], '2026-11-02 06:01:05.007 42 INFO nova.x [-] hello'],
    ['of a request', {}, ['hello', { context }], '2026-11-02 06:01:05.007 42 INFO nova.x [None req-1 u p - - default d] hello'],
    [
      'with a global request id',
      {},
      ['hello', { context: { ...context, globalRequestId: 'req-g', systemScope: 'all' } }],
      '2026-11-02 06:01:05.007 42 INFO nova.x [req-g req-1 u p - all default d] hello',
    ],
    [
      'before the caller is known',
      {},
      ['hello', { context: { requestId: 'req-1' } }],
      '2026-11-02 06:01:05.007 42 INFO nova.x [None req-1 - - - - - -] hello',
    ],
    ['about a server', {}, ['hello', { instance: 'i' }], '2026-11-02 06:01:05.007 42 INFO nova.x [-] [instance: i] hello'],
    ['secrets are masked', {}, ['body {"adminPass": "pw"}'], '2026-11-02 06:01:05.007 42 INFO nova.x [-] body {"adminPass": "***"}'],
    [
      'a format of the operator',
      { logging_default_format_string: '%(levelname)-8s %(name)s %(process)06d %(message)s 5%% %(nobody)s', log_date_format: 'x' },
      ['hello'],
      '%(levelname)-8s nova.x 000042 hello 5% %(nobody)s',
    ],
    [
      'a date of the operator',
      { logging_default_format_string: '%(asctime)s', log_date_format: '%d/%m/%y %H%M%% %b' },
      ['hello'],
      '02/11/%y 0601% Nov',
    ],
    [
      'an identity of the operator',
      { logging_user_identity_format: '%(user_name)s@%(user_domain)s' },
      ['hello', { context }],
      '2026-11-02 06:01:05.007 42 INFO nova.x [None req-1 -@default] hello',
    ],
  ]
  for (const [name, options, [message, details], expected] of rows)
    test(name, async () => {
      const { lines, logs: opened } = await logs(options)
      opened.named('nova.x').info(message, details)
      expect(lines).toEqual([expected])
    })

  test('an error: a summary, then each line of its stack and of its cause behind a prefix', async () => {
    const { lines, logs: opened } = await logs()
    const error = new TypeError('broken', { cause: new Error('deep password=pw') })
    opened.named('nova.x').error('failed', { error, context })
    expect(lines[0]).toBe('2026-11-02 06:01:05.007 42 ERROR nova.x [None req-1 u p - - default d] failed: TypeError: broken')
    expect(lines[1]).toBe('2026-11-02 06:01:05.007 42 ERROR nova.x TypeError: broken')
    expect(lines).toContain('2026-11-02 06:01:05.007 42 ERROR nova.x Caused by: Error: deep password=***')
    expect(lines.every((line) => line.startsWith('2026-11-02 06:01:05.007 42 ERROR nova.x'))).toBe(true)
  })

  test('below WARNING there is no summary', async () => {
    const { lines, logs: opened } = await logs()
    opened.named('nova.x').info('noted', { error: 'just text' })
    expect(lines).toEqual(['2026-11-02 06:01:05.007 42 INFO nova.x [-] noted', '2026-11-02 06:01:05.007 42 ERROR nova.x just text'])
  })
})

describe('JSON', () => {
  test('a line of a request, with an error; no secrets', async () => {
    const { lines, logs: opened } = await logs({ use_json: 'true' })
    opened.named('nova.x').error('failed {"adminPass": "pw"}', { error: new TypeError('password=pw'), context, instance: 'i' })
    expect(lines.length).toBe(1)
    const record = JSON.parse(lines[0]!)
    expect(record).toMatchObject({
      ...{ message: 'failed {"adminPass": "***"}', asctime: '2026-11-02 06:01:05', msecs: 7, process: 42, name: 'nova.x' },
      ...{ levelname: 'ERROR', levelno: 40, error_summary: 'TypeError: password=***', extra: { instance: 'i' } },
      traceback: expect.stringMatching(/^TypeError: password=\*\*\*\n/),
    })
    expect(record.context).toEqual({ request_id: 'req-1', user_id: 'u', project_id: 'p', user_domain: 'default', project_domain: 'd' })
  })

  test('a line of nobody', async () => {
    const { lines, logs: opened } = await logs({ use_json: 'true', log_date_format: '%H:%M' })
    opened.named('nova.x').info('two\nlines')
    expect(JSON.parse(lines[0]!)).toMatchObject({
      message: 'two\nlines',
      asctime: '06:01',
      traceback: null,
      context: {},
      error_summary: '',
    })
  })
})

describe('levels', () => {
  const rows: [Record<string, string>, string, string[]][] = [
    [{}, 'nova.x', ['INFO', 'WARNING', 'ERROR']],
    [{ debug: 'true' }, 'nova.x', ['DEBUG', 'INFO', 'WARNING', 'ERROR']],
    [{ debug: 'true' }, 'keystonemiddleware.auth_token', ['WARNING', 'ERROR']],
    [{ debug: 'true' }, 'oslo_messaging', ['INFO', 'WARNING', 'ERROR']],
    [{ default_log_levels: 'nova=ERROR,nova.x.y=DEBUG' }, 'nova.x', ['ERROR']],
    [{ default_log_levels: 'nova=ERROR,nova.x.y=DEBUG' }, 'nova.x.y.z', ['DEBUG', 'INFO', 'WARNING', 'ERROR']],
    [{ default_log_levels: 'nova=ERROR' }, 'novas', ['INFO', 'WARNING', 'ERROR']],
    [{ default_log_levels: 'nova=CRITICAL' }, 'nova', []],
  ]
  for (const [options, name, expected] of rows)
    test(`${JSON.stringify(options)} ${name}`, async () => {
      const { lines, logs: opened } = await logs({ ...options, logging_default_format_string: '%(levelname)s' })
      const log = opened.named(name)
      log.debug('m')
      log.info('m')
      log.warning('m')
      log.error('m')
      expect(lines).toEqual(expected)
    })

  test('the level follows a change of debug, for loggers that exist as well', async () => {
    const { lines, logs: opened } = await logs()
    const log = opened.named('nova.x')
    opened.configure({ debug: true })
    log.debug('seen')
    opened.configure({ debug: false })
    log.debug('unseen')
    expect(lines).toEqual(['2026-11-02 06:01:05.007 42 DEBUG nova.x [-] seen'])
  })

  test('an unknown level is refused', async () => {
    await expect(logs({ default_log_levels: 'nova=LOUD' })).rejects.toThrow(
      "[DEFAULT] default_log_levels: 'nova=LOUD' is not a pair name=LEVEL",
    )
  })

  test('what is not supported is said', async () => {
    const { lines } = await logs({ use_syslog: 'true', log_rotation_type: 'Size' })
    expect(lines.map((line) => line.slice(line.indexOf('[DEFAULT]')))).toEqual([
      '[DEFAULT] use_syslog is not supported and was ignored',
      '[DEFAULT] log_rotation_type is not supported and was ignored',
    ])
  })
})

describe('files', () => {
  const noSink = { sink: undefined } as unknown as Partial<LogRequest>
  const paths: [Record<string, string>, string][] = [
    [{ log_file: join(directory, 'one.log') }, 'one.log'],
    [{ log_file: 'two.log', log_dir: directory }, 'two.log'],
    [{ log_dir: directory }, 'nova-api.log'],
  ]
  for (const [options, name] of paths)
    test(`${Object.keys(options)} → ${name}`, async () => {
      const { logs: opened } = await logs(options, noSink)
      opened.named('nova.x').info('one')
      opened.named('nova.x').info('two')
      opened.flush()
      expect(readFileSync(join(directory, name), 'utf8')).toBe(
        '2026-11-02 06:01:05.007 42 INFO nova.x [-] one\n2026-11-02 06:01:05.007 42 INFO nova.x [-] two\n',
      )
    })

  test('lines are written at the end of the turn, and a file that was moved away is opened anew', async () => {
    const path = join(directory, 'moved.log')
    const { logs: opened } = await logs({ log_file: path, logging_default_format_string: '%(message)s' }, noSink)
    opened.named('nova.x').info('one')
    expect(readFileSync(path, 'utf8')).toBe('')
    await new Promise((done) => setImmediate(done))
    expect(readFileSync(path, 'utf8')).toBe('one\n')
    renameSync(path, `${path}.1`)
    opened.named('nova.x').info('two')
    opened.flush()
    expect([readFileSync(`${path}.1`, 'utf8'), readFileSync(path, 'utf8')]).toEqual(['one\n', 'two\n'])
  })

  test('a file that cannot be opened is refused', async () => {
    await expect(logs({ log_file: join(directory, 'none/x.log') }, noSink)).rejects.toThrow('[DEFAULT] log_file: the log file ')
  })
})

describe('masking', () => {
  // each as oslo_utils.strutils.mask_password answers it
  const rows: [string, string][] = [
    ["'adminPass' : 'aaaaa'", "'adminPass' : '***'"],
    // upstream too swallows what stands between the value and the last quote
    ['{"auth_token": "abc", "k": 1}', '{"auth_token": "***": 1}'],
    ["'original_password' : 'aaaaa'", "'original_password' : '***'"],
    ['password=secret stuff', 'password=*** stuff'],
    ['password = "a b c" rest', 'password = "***" rest'],
    ['--password secret more', '--password *** more'],
    ['<adminPass>x</adminPass>', '<adminPass>***</adminPass>'],
    ["'X-Auth-Token': 'gAAAA'", "'X-Auth-Token': '***'"],
    ["u'adminPass': u'x'", "u'adminPass': u'***'"],
    ["password1=abc password12='q'", "password1=*** password12='***'"],
    ["test1='x' password2='y'", "test1='x' password2='***'"],
    ['adminPass', 'adminPass'],
    ['nothing to see', 'nothing to see'],
  ]
  for (const [text, expected] of rows) test(text, () => expect(maskPassword(text)).toBe(expected))
})
