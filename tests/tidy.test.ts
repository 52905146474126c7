/** The house checks itself: who imports whom, what nobody imports, where versions are compared, what is said and by whom. */
import { readdirSync, readFileSync } from 'node:fs'
import { homedir, hostname } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')
/** Not `git ls-files`: the project may have come without its history. */
const folders = ['.ci', 'bench', 'bin', 'docs', 'etc', 'examples', 'scripts', 'src', 'tests']
const tracked = readdirSync(root, { withFileTypes: true })
  .filter((entry) => entry.isFile() || folders.includes(entry.name))
  .flatMap(({ name }) => (folders.includes(name) ? filesIn(name) : [name]))
function filesIn(folder: string): string[] {
  const entries = readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map((entry) => relative(root, join(entry.parentPath, entry.name)))
}
const texts = new Map(
  tracked
    .filter((path) => /\.(ts|js|mjs|md|json|yaml|ini|conf|sh)$|^(\.ci\/run|UPSTREAM)$/.test(path))
    .map((path) => [path, readFileSync(join(root, path), 'utf8')]),
)
const textOf = (path: string): string => texts.get(path)!
const sources = tracked.filter((path) => path.startsWith('src/') && path.endsWith('.ts'))
/** Tests, and what is there for them alone. */
const isTest = (path: string) => /(\.test|\/fixture|\/testing)\.ts$/.test(path)

interface Import {
  readonly file: string
  /** From the root of the project; a package's name otherwise. */
  readonly target: string
  /** Gone when the file runs. */
  readonly typeOnly: boolean
}

const statement = /^(?:import|export)\s+(type\s)?(?:[^'"]*?\sfrom\s+)?'([^']+)'|\bimport\('([^']+)'\)/gm

/** What a file imports, by path from the root. */
function importsOf(file: string): Import[] {
  return [...textOf(file).matchAll(statement)].map(([, type, named, dynamic]) => {
    const specifier = named ?? dynamic!
    const target = specifier.startsWith('.') ? relative(root, resolve(root, dirname(file), specifier)) : specifier
    return { file, target, typeOnly: type !== undefined }
  })
}

const roomOf = (path: string): string => path.split('/')[1]!

/** Rooms whose files a room may use; itself always. A test may use all. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  oslo: [],
  app: ['oslo'],
  hosts: ['app', 'oslo'],
  shadow: ['hosts', 'app', 'oslo'],
  stores: ['oslo'],
  peers: ['oslo'],
  compute: ['stores', 'peers', 'oslo'],
  api: ['compute', 'app', 'oslo'],
  cloud: ['app', 'oslo', 'stores', 'peers'],
}
/** Of these a room may know the types. */
const typesAllowed: Readonly<Record<string, readonly string[]>> = { api: ['stores'] }
/** Where things are wired together. */
const wiring = new Set(['wsgi', 'cli'])

describe('imports', () => {
  const all = sources.filter((file) => !isTest(file)).flatMap(importsOf)

  test('go the way that the design says', () => {
    const wrong = all
      .filter(({ file, target }) => target.startsWith('src/') && !wiring.has(roomOf(file)))
      .filter(({ file, target, typeOnly }) => {
        const [from, to] = [roomOf(file), roomOf(target)]
        return from !== to && !allowed[from]?.includes(to) && !(typeOnly && typesAllowed[from]?.includes(to))
      })
    expect(wrong.map(({ file, target }) => `${file} must not import ${target}`)).toEqual([])
  })

  test('into tests are those of tests', () => {
    const wrong = sources
      .filter((file) => !file.endsWith('.test.ts'))
      .flatMap(importsOf)
      .filter(({ target }) => /^tests\/|\.test\.ts$/.test(target))
    expect(wrong.map(({ file, target }) => `${file} must not import ${target}`)).toEqual([])
  })

  test('rooms that the design does not know are not there', () => {
    const rooms = new Set(sources.map(roomOf))
    expect([...rooms].filter((room) => !wiring.has(room) && !Object.hasOwn(allowed, room))).toEqual([])
  })

  test('services of the embedded cloud do not know each other', () => {
    const services = ['identity', 'image', 'network', 'volume', 'placement', 'cell']
    const service = (path: string) => services.find((name) => path.startsWith(`src/cloud/${name}/`))
    const wrong = all.filter(({ file, target }) => service(file) && service(target) && service(file) !== service(target))
    expect(wrong.map(({ file, target }) => `${file} must not import ${target}`)).toEqual([])
  })

  test('lead nowhere in a circle while files are being loaded', () => {
    const static_ = new Map<string, string[]>()
    for (const { file, target, typeOnly } of all)
      if (!typeOnly && target.startsWith('src/')) static_.set(file, [...(static_.get(file) ?? []), target])
    expect(circles(static_)).toEqual([])
  })

  test('everything is imported by somebody', () => {
    const entries = ['src/wsgi/osapi_compute.ts', 'src/wsgi/metadata.ts', 'src/cli/main.ts']
    const everywhere = tracked.filter((path) => /\.(ts|mjs|js)$/.test(path))
    const targets = new Set(everywhere.flatMap(importsOf).map(({ target }) => target))
    // Nova's versioned objects are complete, whether a message of ours holds them or not
    const complete = (file: string) => file.startsWith('src/stores/objects/')
    const lonely = sources.filter((file) => !isTest(file) && !entries.includes(file) && !targets.has(file) && !complete(file))
    // a worker is named by its URL
    const named = (file: string) => all.some((one) => textOf(one.file).includes(`'./${file.split('/').at(-1)}'`))
    expect(lonely.filter((file) => !named(file))).toEqual([])
  })

  test('packages are those of package.json', () => {
    const { dependencies } = JSON.parse(textOf('package.json')) as { dependencies: Record<string, string> }
    const packages = all.map(({ target }) => target).filter((target) => !target.startsWith('src/') && !target.startsWith('node:'))
    const unknown = packages.filter((name) => !Object.keys(dependencies).some((known) => name === known || name.startsWith(`${known}/`)))
    expect(unknown).toEqual([])
  })
})

test('decisions that are named are there', () => {
  const named = [...texts].flatMap(([file, text]) => [...text.matchAll(/decisions\/(\d{4})/g)].map(([, number]) => ({ file, number })))
  const lost = named.filter(({ number }) => !tracked.some((path) => path.startsWith(`docs/decisions/${number}-`)))
  expect(named.length).toBeGreaterThan(0)
  expect(lost.map(({ file, number }) => `${file} names decision ${number}`)).toEqual([])
})

/** One path for each circle that a walk finds. */
function circles(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const found: string[] = []
  const done = new Set<string>()
  const path: string[] = []
  function walk(file: string): void {
    const at = path.indexOf(file)
    if (at >= 0) found.push([...path.slice(at), file].join(' → '))
    if (at >= 0 || done.has(file)) return
    path.push(file)
    for (const next of graph.get(file) ?? []) walk(next)
    path.pop()
    done.add(file)
  }
  for (const file of graph.keys()) walk(file)
  return found
}

describe('what files say', () => {
  const matching = (files: readonly string[], pattern: RegExp) =>
    files.flatMap((file) => {
      const found = pattern.exec(textOf(file))
      return found ? [`${file}: ${found[0]}`] : []
    })

  test('microversions are compared in operations of the API alone', () => {
    const elsewhere = sources.filter((file) => !isTest(file) && !file.startsWith('src/api/') && !file.startsWith('src/cloud/'))
    expect(matching(elsewhere, /\bat\('2\.\d+'\)/)).toEqual([])
    const views = sources.filter((file) => /^src\/api\/.*\/view\.ts$/.test(file))
    expect(views.length).toBeGreaterThan(0)
    expect(matching(views, /\bat\('2\.\d+'\)/)).toEqual([])
  })

  test('nothing is printed on the console', () => {
    expect(
      matching(
        sources.filter((file) => !isTest(file)),
        /\bconsole\.\w+\(/,
      ),
    ).toEqual([])
  })

  test('only what a host takes is a default export', () => {
    expect(
      matching(
        sources.filter((file) => !file.startsWith('src/wsgi/')),
        /^export default\b.*/m,
      ),
    ).toEqual([])
  })

  test('every file begins with what it is for', () => {
    const silent = sources.filter((file) => !isTest(file) && !/^(#!.*\n)?\/\*\*/.test(textOf(file)))
    expect(silent).toEqual([])
  })

  test('no name of this machine and no path on it is written down', () => {
    const here = [root, dirname(root), homedir()].filter((path) => path.split('/').length > 2 || path.length > 5)
    // a name like `runner` or `build` is a word as well
    if (/[-.\d]/.test(hostname())) here.push(hostname())
    const told = [...texts.keys()].flatMap((file) =>
      here.filter((name) => textOf(file).includes(`${name}`)).map((name) => `${file}: ${name}`),
    )
    expect(told).toEqual([])
  })
})
