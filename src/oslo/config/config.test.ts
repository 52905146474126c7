import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { ConfigError } from './error.ts'
import { findConfigDirectories, searchDirectories } from './files.ts'
import { parseIni } from './ini.ts'
import { boolean, choice, float, group, host, integer, list, map, multi, type Option, port, text, uri } from './options.ts'
import { reread, settings } from './settings.ts'
import { readSources, type SourceRequest, wsgiConfigFiles } from './sources.ts'

const root = mkdtempSync(join(tmpdir(), 'config-test-'))
afterAll(() => rmSync(root, { recursive: true }))

let count = 0
/** Writes files into a directory of their own and says where it is. */
function place(files: Record<string, string>): string {
  const base = join(root, String(count++))
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(base, name)), { recursive: true })
    writeFileSync(join(base, name), content)
  }
  return base
}

const read = (files: Record<string, string>, request: Partial<SourceRequest> = {}) => {
  const base = place(files)
  return readSources({
    prog: 'nova-api-os-compute',
    searchIn: [base],
    files: Object.keys(files)
      .filter((n) => !n.includes('/'))
      .map((n) => join(base, n)),
    ...request,
  })
}

/** The message of the `ConfigError` that `promise` ends with. */
async function complaint(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (!(error instanceof ConfigError)) throw new Error(`no ConfigError but ${error}`)
  return error.message.replaceAll(root, '')
}

describe('the ini dialect', () => {
  const rows: [string, string, Record<string, string[]>][] = [
    ['the first of : and = splits', 'a = b:c\nd: e=f', { a: ['b:c'], d: ['e=f'] }],
    ['repeats are kept', 'a = 1\na = 2', { a: ['1', '2'] }],
    ['comments only at the start of a line', '# a = 1\n; b = 2\nc = 3 # four ; five', { c: ['3 # four ; five'] }],
    ['continuation lines', 'a = 1,\n  2,\n\t3\nb = 4', { a: ['1,\n2,\n3'], b: ['4'] }],
    ['an empty line ends a value', 'a = 1\n\nb = 2', { a: ['1'], b: ['2'] }],
    ['quotes around the whole value', `a = " x "\nb = 'y'\nc = "z'\nd = "`, { a: [' x '], b: ['y'], c: [`"z'`], d: [''] }],
    ['an empty value', 'a =\nb:', { a: [''], b: [''] }],
    ['carriage returns', 'a = 1\r\nb = 2\r\n', { a: ['1'], b: ['2'] }],
  ]
  for (const [name, body, expected] of rows)
    test(name, () => {
      const group = parseIni(`[g.h]\n${body}`, 'f').get('g.h')!
      expect(Object.fromEntries([...group].map(([key, all]) => [key, all.map((one) => one.text)]))).toEqual(expected)
    })

  test('group names are in lower case, DEFAULT is not', () => {
    expect([...parseIni('[DEFAULT]\na=1\n[Default]\n[API]\nb=2\n[api]\nc=3', 'f')].map(([name, all]) => [name, [...all.keys()]])).toEqual([
      ['DEFAULT', ['a']],
      ['default', []],
      ['api', ['b', 'c']],
    ])
  })

  const refused: [string, string][] = [
    ['a = 1', 'f:1: an assignment stands before the first section'],
    ['[g]\nnonsense', 'f:2: neither a section nor an assignment: no ":" and no "="'],
    ['[g]\n\n  a = 1', 'f:3: a continuation line follows no assignment'],
    ['[g]\n= 1', 'f:2: an assignment without a name'],
    ['[g', 'f:1: a section must end with "]"'],
    ['[]', 'f:1: a section without a name'],
    ['\ufeff[g]\na = 1', 'f:1: the file begins with a byte order mark (U+FEFF)'],
  ]
  for (const [body, expected] of refused)
    test(`refused: ${JSON.stringify(body)}`, () => expect(() => parseIni(body, 'f')).toThrow(expected))
})

const help = 'For tests.'
const kinds = group('kinds', {
  text: text('text', 'initial', { help }),
  pattern: text('pattern', null, { help, pattern: /^[a-z]+$/ }),
  integer: integer('integer', 5, { help, min: 1, max: 10 }),
  perhaps: integer('perhaps', null, { help }),
  float: float('float', 0.5, { help, max: 1 }),
  boolean: boolean('boolean', false, { help }),
  list: list('list', ['x'], { help }),
  words: list('words', [], { help, choices: ['a', 'b'] }),
  map: map('map', {}, { help }),
  multi: multi('multi', [], { help }),
  port: port('port', 80, { help }),
  choice: choice('choice', ['one', 'two'], 'one', { help }),
  mixed: choice('mixed', ['CRITICAL', 'INFO'], null, { help, ignoreCase: true }),
  uri: uri('uri', null, { help }),
  host: host('host', null, { help }),
  secret: text('secret', null, { help, secret: true, pattern: /^s/ }),
  code: integer('code', 1, { help, secret: true }),
})

describe('values', () => {
  const good: [keyof typeof kinds.options, string, unknown][] = [
    ['text', ' a;b "c" ', 'a;b "c"'],
    ['text', '', ''],
    ['pattern', 'abc', 'abc'],
    ['integer', '10', 10],
    ['integer', ' +1 ', 1],
    ['perhaps', '-1_000', -1000],
    ['perhaps', '', null],
    ['float', '1', 1],
    ['float', '-.5e1', -5],
    ['boolean', 'TRUE', true],
    ['boolean', 'on', true],
    ['boolean', '1', true],
    ['boolean', 'Yes', true],
    ['boolean', 'off', false],
    ['list', 'a, b ,c,', ['a', 'b', 'c']],
    ['list', '', []],
    ['words', 'b,a', ['b', 'a']],
    ['map', 'a:b, c : d:e', { a: 'b', c: 'd:e' }],
    ['map', 'x,y:1', { 'x,y': '1' }],
    ['map', '', {}],
    ['port', '65535', 65535],
    ['choice', 'two', 'two'],
    ['mixed', 'critical', 'CRITICAL'],
    ['uri', 'http://h:1/x', 'http://h:1/x'],
    ['host', '::1', '::1'],
    ['host', 'a.example.', 'a.example'],
    ['host', 'a_b.example', 'a_b.example'],
  ]
  for (const [key, given, expected] of good)
    test(`${key} = ${given}`, async () => {
      const { [key]: value } = settings(kinds, await read({ 'nova.conf': `[kinds]\n${key} = ${given}` }))
      expect(value).toEqual(expected)
    })

  const bad: [keyof typeof kinds.options, string, string][] = [
    ['pattern', 'a1', "'a1' does not match ^[a-z]+$"],
    ['integer', '0', '0 is below 1, the least it may be'],
    ['integer', '11', '11 is above 10, the most it may be'],
    ['integer', '1.5', "'1.5' is not an integer"],
    ['integer', '', 'an empty value is not an integer'],
    ['float', '1.1', '1.1 is above 1, the most it may be'],
    ['float', 'x', "'x' is not a number"],
    ['boolean', 'y', "'y' is none of true, false, yes, no, on, off, 1, 0"],
    ['boolean', 'constructor', "'constructor' is none of true, false, yes, no, on, off, 1, 0"],
    ['words', 'a,c', "'c' is none of a, b"],
    ['map', 'a:b,c', "'c' is not a pair name:value"],
    ['map', ',', "',' is not a pair name:value"],
    ['map', ':a', 'a pair has no name before its colon'],
    ['map', 'a:1,a:2', "'a' stands twice"],
    ['port', '65536', '65536 is above 65535, the most it may be'],
    ['choice', 'Two', "'Two' is none of one, two"],
    ['uri', '/x', "'/x' is not a URI with a scheme and a host"],
    ['host', '1.2.3', "'1.2.3' is neither an IP address nor a host name"],
    ['host', '-a.example', "'-a.example' is neither an IP address nor a host name"],
    ['secret', 'hush', 'the value does not match ^s'],
    ['secret', 's$hush', 'a $ in it names no option that is known; a dollar sign itself is written $$'],
    ['code', 'hush', 'the value is not an integer'],
  ]
  for (const [key, given, reason] of bad)
    test(`refused: ${key} = ${given}`, async () => {
      const sources = await read({ 'nova.conf': `[kinds]\n\n${key} = ${given}` })
      const directory = dirname(sources.files[0]!)
      expect(() => settings(kinds, sources)).toThrow(
        new ConfigError(reason, { place: { kind: 'file', file: join(directory, 'nova.conf'), line: 3 }, option: `[kinds] ${key}` }),
      )
    })

  test('the default stands when nothing was given', async () => {
    const sources = await read({ 'nova.conf': '' })
    expect(settings(kinds, sources)).toMatchObject({ text: 'initial', integer: 5, list: ['x'], multi: [], pattern: null })
    expect(sources.find('kinds', kinds.options.integer)).toEqual([])
  })

  test('a paste section beats all sources', async () => {
    const sources = await read({ 'nova.conf': '[kinds]\ninteger = 2' }, { env: { OS_KINDS__INTEGER: '3' } })
    expect(settings(kinds, sources, { values: { integer: '4' } }).integer).toBe(4)
    expect(() => settings(kinds, sources, { values: { integer: '40' } })).toThrow('[kinds] integer: 40 is above 10')
  })
})

describe('which source wins', () => {
  const one = group('g', {
    a: text('a', 'default', { help }),
    m: multi('m', [], { help }),
    new: text('new', null, { help, deprecated: ['old', 'DEFAULT/older'] }),
  })
  const files = {
    'api-paste.ini': '[g]\na = paste\nm = 1',
    'nova.conf': '[G]\na = file\na = last\nm = 2\nm = 3',
    'nova.conf.d/10.conf': '[g]\na = ten',
    'nova.conf.d/02.conf': '[g]\na = two',
    'nova.conf.d/99.txt': '[g]\na = no',
    'nova-api-os-compute.conf.d/x.conf': '[g]\na = prog',
  }
  const pick = (names: (keyof typeof files)[]) => Object.fromEntries(names.map((name) => [name, files[name]]))

  const rows: [string, (keyof typeof files)[], Partial<SourceRequest>, string][] = [
    ['the default', [], {}, 'default'],
    ['a file that is there', ['api-paste.ini'], {}, 'paste'],
    ['a later file', ['api-paste.ini', 'nova.conf'], {}, 'last'],
    ['a directory', ['api-paste.ini', 'nova.conf', 'nova.conf.d/10.conf', 'nova.conf.d/02.conf', 'nova.conf.d/99.txt'], {}, 'ten'],
    ['the directory of the program', Object.keys(files) as (keyof typeof files)[], {}, 'prog'],
    ['the environment', Object.keys(files) as (keyof typeof files)[], { env: { OS_G__A: 'env' } }, 'env'],
    [
      'an argument',
      Object.keys(files) as (keyof typeof files)[],
      { env: { OS_G__A: 'env' }, argv: ['--g-a', 'argument'], argvOptions: [one] },
      'argument',
    ],
    ['an argument with =', [], { argv: ['--g-a=x=y'], argvOptions: [one] }, 'x=y'],
  ]
  for (const [name, names, request, expected] of rows)
    test(name, async () => expect(settings(one, await read(pick(names), request)).a).toBe(expected))

  test('a multi option gathers all files', async () => {
    const sources = await read(files)
    expect(settings(one, sources).m).toEqual(['1', '2', '3'])
    expect(sources.find('g', one.options.m).map(({ place }) => place.kind === 'file' && place.line)).toEqual([3, 4, 5])
  })

  test('--config-file replaces the default files, --config-dir the default directories', async () => {
    const base = place({ ...files, 'other.conf': '[g]\nm = other', 'dir/a.conf': '[g]\nm = dir' })
    const names = async (argv: string[]) => {
      const sources = await readSources({ prog: 'nova-api-os-compute', searchIn: [base], files: [join(base, 'nova.conf')], argv })
      return sources.files.map((file) => file.slice(base.length + 1))
    }
    const directories = ['nova.conf.d/02.conf', 'nova.conf.d/10.conf', 'nova-api-os-compute.conf.d/x.conf']
    expect(await names([])).toEqual(['nova.conf', ...directories])
    expect(await names(['--config-file', join(base, 'other.conf')])).toEqual([...directories, join('other.conf')])
    expect(await names([`--config-dir=${join(base, 'dir')}`])).toEqual(['nova.conf', 'dir/a.conf'])
    expect(await names(['--config-dir', join(base, 'dir'), '--config-file', join(base, 'other.conf')])).toEqual([
      'dir/a.conf',
      'other.conf',
    ])
  })

  test('deprecated names count, the name of today wins, and the operator is told', async () => {
    const old = await read({ 'nova.conf': '[DEFAULT]\nolder = x' })
    expect(settings(one, old).new).toBe('x')
    expect([...old.notices]).toEqual(['Option "older" from group "DEFAULT" is deprecated. Use option "new" from group "g".'])
    const both = await read({ 'nova.conf': '[g]\nold = x\nnew = y' })
    expect(settings(one, both).new).toBe('y')
    expect(both.notices.size).toBe(0)
    // a later file wins even with the older name
    const later = await read({ 'a.conf': '[g]\nnew = y', 'b.conf': '[g]\nold = z' })
    expect(settings(one, later).new).toBe('z')
    expect(settings(one, await read({}, { env: { OS_G__OLD: 'not looked at' } })).new).toBeNull()
  })

  test('where an option was set', async () => {
    const sources = await read(pick(['nova.conf']), { env: { OS_G__NEW: '1' }, argv: ['--g-m', '7'], argvOptions: [one] })
    const place = (key: keyof typeof one.options) => sources.find('g', one.options[key]).at(-1)?.place
    expect(place('a')).toMatchObject({ kind: 'file', line: 3 })
    expect(place('new')).toEqual({ kind: 'environment', name: 'OS_G__NEW' })
    expect(place('m')).toEqual({ kind: 'argument', name: '--g-m' })
    expect([...sources.groups]).toEqual(['g'])
  })

  test('a wrong value of the environment or an argument names its place', async () => {
    const sources = await read({}, { env: { OS_KINDS__PORT: 'x' } })
    expect(() => settings(kinds, sources)).toThrow('environment variable OS_KINDS__PORT: [kinds] port: ')
    const given = await read({}, { argv: ['--kinds-port', 'x'], argvOptions: [kinds] })
    expect(() => settings(kinds, given)).toThrow('argument --kinds-port: [kinds] port: ')
  })
})

describe('arguments', () => {
  const flags = group('DEFAULT', {
    debug: boolean('debug', false, { help }),
    logFile: text('log_file', null, { help }),
    many: multi('many', [], { help }),
  })
  const values = async (...argv: string[]) => settings(flags, await read({}, { argv, argvOptions: [flags] }))

  test('booleans, dashes and repeats', async () => {
    expect(await values('--debug', '--log-file', 'x', '--many', '1', '--many=2')).toEqual({ debug: true, logFile: 'x', many: ['1', '2'] })
    expect(await values('--debug', '--nodebug')).toMatchObject({ debug: false })
  })
  const refused: [string[], string][] = [
    [['--nonsense'], 'argument --nonsense: nobody knows this argument'],
    [['stray'], 'argument stray: nobody knows this argument'],
    [['--log-file'], 'argument --log-file: a value must follow'],
    [['--debug=yes'], 'argument --debug: it takes no value'],
  ]
  for (const [argv, expected] of refused) test(argv.join(' '), async () => expect(await complaint(values(...argv))).toBe(expected))
})

describe('substitution', () => {
  const secrets = { help, secret: true }
  const paths: Record<string, Option<unknown>> = {
    state: text('state_path', '/var/lib/nova', { help }),
    nothing: text('nothing', null, { help }),
    on: integer('number', 7, { help }),
  }
  const values = async (body: string) => {
    const used = group('g', {
      a: text('a', '$state_path/default', { help }),
      b: text('b', 'bee', { help }),
      n: integer('n', 1, { help }),
      secret: text('secret', null, secrets),
    })
    return settings(used, await read({ 'nova.conf': body }, { declared: [group('DEFAULT', paths)] }))
  }
  const rows: [string, string][] = [
    ['[g]', '/var/lib/nova/default'],
    ['[DEFAULT]\nstate_path = /x\n[g]', '/x/default'],
    [`[g]\na = $b \${b}s`, 'bee bees'],
    [`[g]\na = \${other.c}.d\n[other]\nc = see`, 'see.d'],
    ['[g]\na = $state_path-$nothing-$number', '/var/lib/nova--7'],
    ['[g]\na = 5$$ \\$b $ $5 $', '5$ $b $ $5 $'],
    ['[g]\na = $b\nb = $state_path', '/var/lib/nova'],
    ['[DEFAULT]\nb = default\n[g]\na = $b\nb = own', 'own'],
  ]
  for (const [body, expected] of rows) test(JSON.stringify(body), async () => expect((await values(body)).a).toBe(expected))

  test('of a number', async () => expect((await values('[g]\nn = $number')).n).toBe(7))
  test('an unknown name is refused', async () =>
    expect(await complaint(values('[g]\na = x$unknown'))).toMatch(
      /nova.conf:2: \[g\] a: \$unknown names no option that is known here; a dollar sign itself is written \$\$$/,
    ))
  test('a circle is refused', async () => expect(await complaint(values('[g]\na = $b\nb = $a'))).toMatch(/leads back to itself$/))
})

describe('files', () => {
  test('a missing file is named', async () =>
    expect(await complaint(read({}, { files: [join(root, 'none.conf')] }))).toBe(
      'the configuration file /none.conf cannot be read: it does not exist',
    ))
  test('a directory is no file', async () =>
    expect(await complaint(read({}, { files: [root] }))).toMatch(/cannot be read: it is a directory$/))
  test('a missing --config-dir is named', async () =>
    expect(await complaint(read({}, { argv: ['--config-dir', join(root, 'none')] }))).toBe(
      'the configuration directory /none cannot be read: it does not exist',
    ))
  test('sources of other kinds are refused', async () =>
    expect(await complaint(read({ 'nova.conf': '[DEFAULT]\nconfig_source = remote' }))).toMatch(
      /nova.conf:2: \[DEFAULT\] config_source: only files, the environment and arguments can be read$/,
    ))

  test('the files of a WSGI module', () => {
    expect(wsgiConfigFiles({})).toEqual(['/etc/nova/api-paste.ini', '/etc/nova/nova.conf'])
    expect(wsgiConfigFiles({ OS_NOVA_CONFIG_DIR: ' /x ', OS_NOVA_CONFIG_FILES: '' })).toEqual(['/x/api-paste.ini', '/x/nova.conf'])
    expect(wsgiConfigFiles({ OS_NOVA_CONFIG_DIR: '/x', OS_NOVA_CONFIG_FILES: '/y/p.ini;a.conf;b.conf' })).toEqual([
      '/y/p.ini',
      '/x/a.conf',
      '/x/b.conf',
    ])
  })

  test('directories of a project and a program', () => {
    expect(searchDirectories('nova', { HOME: '/h' })).toEqual(['/h/.nova', '/h', '/etc/nova', '/etc'])
    expect(searchDirectories('nova', { HOME: '/h', SNAP: '/s', SNAP_COMMON: '/c' }).slice(4)).toEqual(['/c/etc/nova', '/s/etc/nova'])
    const base = place({ 'one/nova.conf.d/a': '', 'two/nova.conf.d/a': '', 'two/prog.conf.d/a': '' })
    expect(findConfigDirectories('nova', 'prog', [join(base, 'one'), join(base, 'two')])).toEqual([
      join(base, 'one/nova.conf.d'),
      join(base, 'two/prog.conf.d'),
    ])
  })

  test('reading again takes over what is mutable only', async () => {
    const mixed = group('g', {
      a: integer('a', 1, { help, mutable: true }),
      b: integer('b', 1, { help }),
      l: list('l', ['x'], { help, mutable: true }),
    })
    const base = place({ 'nova.conf': '[g]\na = 2\nb = 2' })
    const sources = await readSources({ prog: 'p', searchIn: [], files: [join(base, 'nova.conf')] })
    const before = settings(mixed, sources)
    writeFileSync(join(base, 'nova.conf'), '[g]\na = 3\nb = 3')
    expect(reread(mixed, before, await sources.reload())).toEqual({
      settings: { a: 3, b: 2, l: ['x'] },
      changed: ['[g] a'],
      ignored: ['[g] b'],
    })
    expect(settings(mixed, sources)).toEqual(before)
  })
})
