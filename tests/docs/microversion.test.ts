/** docs/adding-a-microversion.md is followed to the letter, in a copy of the sources. */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

const root = join(import.meta.dirname, '..', '..')
let copy: string

interface Addition {
  readonly file: string
  /** The line behind which it goes contains this. */
  readonly after: string
  readonly line: string
}

function additions(): Addition[] {
  const [, diff] = /```diff\n([\s\S]*?)```/.exec(readFileSync(join(root, 'docs', 'adding-a-microversion.md'), 'utf8'))!
  return [...diff!.matchAll(/^\+\+\+ b\/(.*)\n@@ after: (.*)\n\+(.*)$/gm)].map(([, file, after, line]) => ({
    file: file!,
    after: after!,
    line: line!,
  }))
}

beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), 'microversion-'))
  for (const part of ['src', 'tests/support', 'tests/upstream', 'package.json', 'tsconfig.json']) {
    mkdirSync(join(copy, 'tests'), { recursive: true })
    cpSync(join(root, part), join(copy, part), { recursive: true })
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  for (const { file, after, line } of additions()) {
    const lines = readFileSync(join(copy, file), 'utf8').split('\n')
    const at = lines.findIndex((each) => each.includes(after))
    expect([file, at >= 0]).toEqual([file, true])
    lines.splice(at + 1, 0, line)
    writeFileSync(join(copy, file), lines.join('\n'))
  }
})
afterAll(() => rmSync(copy, { recursive: true, force: true }))

const script = `
import { openApi } from './src/api/openapi/document.ts'
import { resources } from './src/api/compute/index.ts'
import { newest } from './src/api/spec/history.ts'
import { testApi } from './tests/support/compute-api.ts'
const api = await testApi()
await api.ask('2.1', 'POST /flavors', { flavor: { name: 'f', id: 'f', ram: 64, vcpus: 1, disk: 1 } })
const at = async (version) => {
  const { status, body } = await api.ask(version, 'GET /flavors/f')
  return { status, made: JSON.parse(body).flavor?.created_at }
}
const described = (minor) => JSON.stringify(openApi(resources, minor).paths['/flavors/{id}']).includes('created_at')
console.log(JSON.stringify({ newest, before: await at('2.103'), after: await at('2.104'), latest: await at('latest'), beyond: (await at('2.105')).status, described: [described(103), described(104)] }))
await api.close()
`

test('a new version is three lines', () => {
  expect(additions()).toHaveLength(3)
})

test('its field is there from then on, and nowhere before', () => {
  writeFileSync(join(copy, 'look.ts'), script)
  const out = execFileSync(process.execPath, ['look.ts'], { cwd: copy, encoding: 'utf8' })
  const made = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  expect(JSON.parse(out)).toEqual({
    newest: 104,
    before: { status: 200 },
    after: { status: 200, made },
    latest: { status: 200, made },
    beyond: 406,
    described: [false, true],
  })
})

test('and the types hold', () => {
  const project = JSON.parse(readFileSync(join(copy, 'tsconfig.json'), 'utf8')) as object
  writeFileSync(
    join(copy, 'tsconfig.json'),
    JSON.stringify({ ...project, include: undefined, files: ['src/api/compute/flavors/view.ts', 'src/api/spec/history.ts'] }),
  )
  expect(execFileSync(join(root, 'node_modules', '.bin', 'tsc'), ['--noEmit', '-p', '.'], { cwd: copy, encoding: 'utf8' })).toBe('')
})
