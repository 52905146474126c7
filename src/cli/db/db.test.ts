import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { openDatabase } from '../../oslo/database/database.ts'
import { cell0Uuid, cellMappings } from '../../stores/api/mappings.ts'
import { apiSchema } from '../../stores/api/schema.ts'
import { main } from '../main.ts'

const folder = mkdtempSync(join(tmpdir(), 'nova-ts-db-'))
afterAll(() => rmSync(folder, { recursive: true }))

const url = (name: string) => `sqlite:///${join(folder, name)}.sqlite`
const file = join(folder, 'nova.conf')
writeFileSync(file, `[api_database]\nconnection = ${url('api')}\n[database]\nconnection = ${url('main')}\n`)

async function run(...argv: string[]) {
  let out = ''
  let err = ''
  const status = await main(['db', ...argv], {
    out: (text) => (out += text),
    err: (text) => (err += text),
    env: {},
    self: ['node'],
  })
  return { status, out, err }
}

test('sync makes what is not there, then finds it; version tells', async () => {
  expect(await run('version', '--config-file', file)).toMatchObject({ status: 1, err: expect.stringMatching(/api.sqlite is not there/) })
  const made = await run('sync', '--config-file', file)
  expect(made).toMatchObject({ status: 0, err: '' })
  expect(made.out).toMatch(/\[api_database\] +cdeec0c85668 +made.*\n\[database\] +2903cd72dc14 +made/)
  expect((await run('sync', `--config-file=${file}`)).out).toMatch(/was there.*\n.*was there/)
  expect(await run('version', '--config-file', file)).toMatchObject({ status: 0, out: expect.stringMatching(/cdeec0c85668 +as needed/) })
})

test('cell0 as it is mapped, and with --all-cells the others', async () => {
  const api = await openDatabase(url('api'), { schema: apiSchema })
  const mappings = cellMappings(api, Date.now)
  await mappings.create({ uuid: cell0Uuid, name: 'cell0', databaseConnection: url('cell0'), transportUrl: 'none:///' })
  await mappings.create({ uuid: cell0Uuid.replaceAll('0', '1'), name: 'one', databaseConnection: `{scheme}:///${folder}/one.sqlite` })
  await api.close()
  const synced = await run('sync', '--config-file', file)
  expect(synced.out.split('\n').map((line) => line.slice(0, 15).trim())).toEqual(['[api_database]', '[database]', 'cell cell0', ''])
  expect((await run('sync', '--config-file', file, '--all-cells')).out).toMatch(/cell one +2903cd72dc14 +made +\(sqlite:.*one.sqlite/)
  expect((await run('version', '--config-file', file, '--main')).out).toMatch(/^\[database\].*\n$/)
})

const refused: [argv: string[], status: number, message: RegExp][] = [
  [['sync', '--config-file', join(folder, 'none.conf')], 1, /none.conf/],
  [['sync'], 1, /there is no \/etc\/nova\/nova.conf; name another/],
  [['sync', '--cells'], 2, /db does not know --cells/],
  [['sync', '--config-file'], 2, /--config-file wants a value/],
  [['upgrade'], 2, /there is no command db upgrade/],
]
for (const [argv, status, message] of refused)
  test(`db ${argv.join(' ')} is refused`, async () => {
    expect(await run(...argv)).toMatchObject({ status, out: '', err: expect.stringMatching(message) })
  })

test('an unset connection, and a server that is not there, are told without passwords', async () => {
  const empty = join(folder, 'empty.conf')
  writeFileSync(empty, '[database]\nconnection = mysql+pymysql://nova:secret@127.0.0.1:1/nova\n')
  expect((await run('sync', '--config-file', empty)).err).toMatch(/\[api_database\] connection is not set/)
  const { err } = await run('sync', '--main', '--config-file', empty)
  expect(err).toMatch(/^nova-ts: \[database\]: mysql\+pymysql:\/\/nova:\*\*\*@127.0.0.1:1\/nova: .*ECONNREFUSED/)
})
