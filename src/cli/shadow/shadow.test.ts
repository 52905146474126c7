import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { endpointText } from '../../hosts/address.ts'
import { Refusal, type Terminal, UsageError } from '../usage.ts'
import { readShadowLine } from './flags.ts'
import { shadow } from './index.ts'

const folder = mkdtempSync(join(tmpdir(), 'shadow-flags-'))
afterAll(() => rmSync(folder, { recursive: true }))
const pem = join(folder, 'a.pem')
writeFileSync(pem, 'certificate')

const usual = '--listen 127.0.0.1:1 --to http://a:8774 --compare https://b'
const read = (line: string) => readShadowLine(line.split(' ').filter(Boolean))

test('three addresses are enough', () => {
  const settings = read(usual)!
  expect(endpointText(settings.listen)).toBe('http://127.0.0.1:1')
  expect([settings.real.href, settings.ours.href]).toEqual(['http://a:8774/', 'https://b/'])
  expect(settings).toMatchObject({ samplePercent: 100, concurrency: 4, queue: 200, report: null, metrics: null })
})

test('all flags', () => {
  const more =
    '--sample 10 --concurrency 1 --queue 2 --largest 3 --memory 4 --timeout 5 --real-timeout 6 --repeat 7 --drain 0 --report r --metrics 127.0.0.1:9'
  expect(read(`${usual} ${more} --ca ${pem}`)).toMatchObject({
    ...{
      samplePercent: 10,
      concurrency: 1,
      queue: 2,
      largestBytes: 3 * 1024 * 1024,
      heldBytes: 4 * 1024 * 1024,
      oursSeconds: 5,
      realSeconds: 6,
    },
    ...{ repeat: 7, drainSeconds: 0, report: 'r', metrics: { kind: 'tcp', port: 9 }, authorities: 'certificate' },
  })
  expect(read(`--listen https:1 --cert ${pem} --key ${pem} --to http://a --compare http://b`)!.listen.protocol).toBe('https')
})

describe('what cannot be followed', () => {
  const rows: [string, typeof UsageError | typeof Refusal, string][] = [
    ['--to http://a --compare http://b', UsageError, 'shadow needs --listen'],
    ['--listen 1 --compare http://b', UsageError, 'shadow needs --to'],
    ['--listen 1 --to http://b', UsageError, 'shadow needs --compare'],
    ['--listen 1 --to a:8774 --compare http://b', UsageError, '--to takes a URL'],
    ['--listen 1 --to http://a/compute --compare http://b', UsageError, 'without a path'],
    ['--listen uwsgi:1 --to http://a --compare http://b', UsageError, 'does not speak the uwsgi protocol'],
    ['--listen https:1 --to http://a --compare http://b', UsageError, 'needs --cert and --key'],
    ['--listen nowhere --to http://a --compare http://b', UsageError, 'no address to listen on'],
    [`${usual} --sample 101`, UsageError, '--sample takes a number from 0 to 100, not 101'],
    [`${usual} --concurrency 0`, UsageError, 'from 1 to 256, not 0'],
    [`${usual} --repot x`, UsageError, 'did you mean --report?'],
    [`${usual} --ca /nowhere.pem`, Refusal, '--ca: /nowhere.pem cannot be read (ENOENT)'],
  ]
  for (const [line, kind, message] of rows)
    test(line, () => {
      expect(() => read(line)).toThrow(kind)
      expect(() => read(line)).toThrow(message)
    })
})

describe('the command', () => {
  const terminal = (): Terminal & { readonly said: string[] } => {
    const said: string[] = []
    return { said, out: (text) => said.push(text), err: (text) => said.push(text), env: {}, self: ['node'] }
  }

  test('tells what it compares how', async () => {
    const to = terminal()
    expect(await shadow(['--rules'], to)).toBe(0)
    expect(to.said.join('')).toMatch(/\/os-services +services +rows of a table/)
    expect(to.said.join('')).toMatch(/\/servers +updated +close: /)
  })

  test('a report that cannot be written is a refusal', async () => {
    await expect(shadow([...usual.split(' '), '--report', join(folder, 'no', 'r')], terminal())).rejects.toThrow(
      /--report: .* cannot be written \(ENOENT\)/,
    )
  })

  test('so is an address that cannot be had', async () => {
    const words = ['--listen', '192.0.2.1:1', '--to', 'http://a', '--compare', 'http://b', '--report', join(folder, 'r')]
    await expect(shadow(words, terminal())).rejects.toThrow(Refusal)
  })
})
