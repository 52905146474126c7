import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { readSources } from '../oslo/config/sources.ts'
import { silent } from '../oslo/log.ts'
import { type Application, type Filter, text } from './contract.ts'
import { sharedFilters } from './middleware/shared.ts'
import { composePaste, mergeRegistries, PasteError, type Registry, type Variables } from './paste.ts'
import { ask } from './testing.ts'

const root = mkdtempSync(join(tmpdir(), 'paste-test-'))
afterAll(() => rmSync(root, { recursive: true }))

let count = 0
/** Writes files and says where the first of them is. */
function place(files: Record<string, string>): string {
  const base = join(root, String(count++))
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(base, name)), { recursive: true })
    writeFileSync(join(base, name), content)
  }
  return join(base, Object.keys(files)[0]!)
}

/** A filter that puts its name before the body. */
const mark =
  (name: string): Filter =>
  (app) =>
  async (request) => {
    const response = await app(request)
    return { ...response, body: `${name}>${response.body}` }
  }
const echo =
  (name: string): Application =>
  async ({ scriptName, path }) =>
    text(200, `${name} ${scriptName}|${path}`)
const shown = (conf: Variables) =>
  Object.entries(conf)
    .filter(([name]) => name !== 'here' && name !== '__file__')
    .map((pair) => pair.join('='))

const registry: Registry = {
  filters: {
    'test:mark': (_globalConf, { name = '' }) => mark(name),
    'test:slow': async (_globalConf, { name = '' }) => mark(name),
    'test:fails': () => {
      throw new Error('it is broken')
    },
    'egg:my.dist#mark': () => mark('egg'),
  },
  apps: {
    'test:echo': (_globalConf, { name = '' }) => echo(name),
    'test:conf': (globalConf, localConf) => async () => text(200, `${shown(globalConf)}/${shown(localConf)}`),
    'egg:my.dist#main': () => echo('egg'),
  },
  composites: { 'test:first': (loader, _globalConf, { apps = '' }) => loader.app(apps.split(' ')[0]!) },
}

const compose = (files: Record<string, string>, name = 'main', more: { authStrategy?: string } = {}) =>
  composePaste({ file: place(files), name, registry, ...more })
const answer = async (ini: string, path = '/', more?: { authStrategy?: string }) =>
  (await (await compose({ 'p.ini': ini }, 'main', more))(ask(`GET ${path}`))).body

/** What `PasteError` says, without the directory. */
async function complaint(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (!(error instanceof PasteError)) throw new Error(`no PasteError but ${error}`)
  return error.message.replaceAll(new RegExp(`${root}/\\d+/`, 'g'), '')
}

const a = '[app:a]\npaste.app_factory = test:echo\nname = a\n'
const f = '[filter:f]\npaste.filter_factory = test:mark\nname = f\n[filter:g]\npaste.filter_factory = test:slow\nname = g\n'

describe('sections', () => {
  const rows: [string, string, string][] = [
    ['an app', '[app:main]\npaste.app_factory = test:echo\nname = x', 'x |/'],
    ['an app without a name', '[app]\npaste.app_factory = test:echo\nname = x', 'x |/'],
    ['application', '[application: main]\npaste.app_factory = test:echo\nname = x', 'x |/'],
    ['a pipeline, first filter outermost', `${a}${f}[pipeline:main]\npipeline = f g\n  a`, 'f>g>a |/'],
    ['a filter-app', `${a}${f}[filter-app:main]\npaste.filter_factory = test:mark\nname = h\nnext = a`, 'h>a |/'],
    ['a filter-app that uses a filter', `${a}${f}[filter-app:main]\nuse = f\nname = h\nnext = a`, 'h>a |/'],
    ['filter-with', `${a}${f}[app:main]\nuse = a\nname = b\nfilter-with = f`, 'f>b |/'],
    ['filter-with of a filter', `${a}${f}[filter:h]\nuse = g\nfilter-with = f\n[pipeline:main]\npipeline = h a`, 'f>g>a |/'],
    ['use = section', `${a}[app:main]\nuse = a\nname = b`, 'b |/'],
    ['use = egg:', '[app:main]\nuse = egg:My_Dist', 'egg |/'],
    ['use = egg: for a filter', `${a}[filter:f]\nuse = egg:my-dist#mark\n[pipeline:main]\npipeline = f a`, 'egg>a |/'],
    ['use = call: for a composite', `${a}[composite:main]\nuse = call:test:first\napps = a b`, 'a |/'],
    ['use = call: for an app', '[app:main]\nuse = call:test:echo\nname = x', 'x |/'],
    ['use = call: for a filter', `${a}[filter:f]\nuse = call:test:mark\nname = y\n[pipeline:main]\npipeline = f a`, 'y>a |/'],
    ['a composite factory', `${a}[composite:main]\npaste.composite_factory = test:first\napps = a`, 'a |/'],
    ['an unused section may be wrong', `${a}[app:main]\nuse = a\n[app:other]\nuse = nothing`, 'a |/'],
  ]
  for (const [name, ini, expected] of rows) test(name, async () => expect(await answer(ini)).toBe(expected))

  test('urlmaps of both kinds, and another application for what is not there', async () => {
    const ini = `${a}[app:b]\nuse = a\nname = b\n[app:none]\nuse = a\nname = none\n`
    expect(await answer(`${ini}[composite:main]\nuse = egg:Paste#urlmap\n/: a\n/b: b`, '/b/c')).toBe('b /b|/c')
    const nova = `${ini}[composite:main]\nuse = call:nova.api.openstack.urlmap:urlmap_factory\n/v2.1/+: b\nnot_found_app = none`
    expect(await answer(nova, '/v2.1/c')).toBe('b /v2.1|/c')
    expect(await answer(nova, '/v2.1/')).toBe('none |/v2.1/')
  })

  test('a pipeline by authentication strategy', async () => {
    const ini = `${a}${f}[composite:main]\nuse = call:nova.api.auth:pipeline_factory_v21\nkeystone = f a\nnoauth2 = g a`
    expect(await answer(ini)).toBe('f>a |/')
    expect(await answer(ini, '/', { authStrategy: 'noauth2' })).toBe('g>a |/')
  })
})

describe('variables', () => {
  const conf = 'paste.app_factory = test:conf\n'
  const rows: [string, string, string][] = [
    ['DEFAULT is global', `[DEFAULT]\nx = 1\n[app:main]\n${conf}y = 2`, 'x=1/y=2'],
    ['a name that DEFAULT has is not local', `[DEFAULT]\nx = 1\n[app:main]\n${conf}x = 2`, 'x=1/'],
    ['set', `[DEFAULT]\nx = 1\n[app:main]\n${conf}set x = 2\nset z = 3`, 'x=2,z=3/'],
    ['get', `[DEFAULT]\nx = 1\n[app:main]\n${conf}get y = x`, 'x=1/y=1'],
    ['the user of a section changes its variables', `[app:a]\n${conf}y = 1\nz = 1\n[app:main]\nuse = a\ny = 2\nset x = 3`, 'x=3/y=2,z=1'],
    ['a pipeline hands its globals on', `[app:a]\n${conf}[pipeline:main]\nset x = 1\npipeline = a`, 'x=1/'],
    ['a urlmap hands its globals on', `[app:a]\n${conf}[composite:main]\nuse = egg:Paste#urlmap\nset x = 1\n/: a`, 'x=1/'],
    ['substitution', `[DEFAULT]\nx = 1\n[app:main]\n${conf}y = %(x)s%%\nz = <%(y)s>`, 'x=1/y=1%,z=<1%>'],
    [
      'case is kept, more than one line is one value',
      `[app:main]\n${conf}Y = 1\n\n  2\n# no\n  3\nz : = 4 # five`,
      '/Y=1\n\n2\n3,z== 4 # five',
    ],
  ]
  for (const [name, ini, expected] of rows) test(name, async () => expect(await answer(ini)).toBe(expected))

  test('here and __file__', async () => {
    const file = place({ 'p.ini': `[app:main]\n${conf}y = %(here)s|%(__file__)s` })
    const app = await composePaste({ file, name: 'main', registry })
    expect((await app(ask('GET /'))).body).toBe(`/y=${dirname(file)}|${file}`)
  })

  test('another file, its section, and its defaults', async () => {
    const other = `[DEFAULT]\nx = other\n[app:main]\n${conf}y = main\n[app:b]\n${conf}y = %(z)s`
    const body = async (use: string) =>
      (await (await compose({ 'p.ini': `[DEFAULT]\nx = mine\nz = 9\n[app:main]\nuse = ${use}\nw = 1`, 'sub/o.ini': other }))(ask('GET /')))
        .body
    expect(await body('config:sub/o.ini')).toBe('x=mine,z=9/y=main,w=1')
    expect(await body('config:sub/o.ini#b')).toBe('x=mine,z=9/y=9,w=1')
  })
})

describe('modules of third parties', () => {
  const module = `
    export const make = (globalConf, localConf) => (app) => async (request) => ({ ...(await app(request)), body: localConf.name })
    export const group = { wrap: (app, globalConf, localConf) => async (request) => ({ ...(await app(request)), body: 'wrapped' }) }
    export const app = () => async () => ({ status: 200, headers: [], body: 'theirs' })
    export const number = 5
    export const careless = (globalConf, { answer }) => (app) => async () => eval(answer)
    export const made = (globalConf, { answer }) => eval(answer)
  `
  const run = async (ini: string, files: Record<string, string> = {}) =>
    (await (await compose({ 'etc/p.ini': a + ini, 'etc/filters/mine.mjs': module, ...files }))(ask('GET /'))).body
  const piped = '[pipeline:main]\npipeline = f a'
  const filter = (factory: string) => `[filter:f]\npaste.filter_factory = ${factory}\nname = theirs\n${piped}`

  test('a path relative to the file', async () => expect(await run(filter('filters/mine.mjs:make'))).toBe('theirs'))
  test('an absolute path', async () => expect(await run(filter(`${place({ 'x.mjs': module })}:make`))).toBe('theirs'))
  test('a package beside the file', async () =>
    expect(
      await run(filter('my-filter:make'), {
        'etc/node_modules/my-filter/package.json': '{"main": "x.mjs"}',
        'etc/node_modules/my-filter/x.mjs': module,
      }),
    ).toBe('theirs'))
  test('an app', async () => expect(await run('[app:main]\npaste.app_factory = ./filters/mine.mjs:app')).toBe('theirs'))
  test('a filter_app_factory, in a record', async () =>
    expect(await run('[filter:f]\npaste.filter_app_factory = ./filters/mine.mjs:group.wrap\n[pipeline:main]\npipeline = f a')).toBe(
      'wrapped',
    ))

  const answering = (answer: string) => run(`[filter:f]\npaste.filter_factory = ./filters/mine.mjs:careless\nanswer = ${answer}\n${piped}`)
  const sound: [string, unknown][] = [
    ["({ status: 204, headers: [['A', 'b']], body: null })", null],
    ["({ status: 200, headers: [], body: '' })", ''],
    ['({ status: 200, headers: [], body: Buffer.of(1) })', Buffer.of(1)],
    ["({ status: 200, headers: [], body: ['a', 'b'] })", ['a', 'b']],
  ]
  for (const [answer, expected] of sound) test(`an answer: ${answer}`, async () => expect(await answering(answer)).toEqual(expected))

  const unsound: [string, string][] = [
    ['undefined', 'it is undefined'],
    ["'text'", 'it is a string'],
    ['({ status: 200, headers: [], body: 5 })', 'its body is a number, and neither null, a text, bytes nor pieces of them'],
    ['({ status: 200, headers: [], body: {} })', 'its body is an object, and neither'],
    ['({ status: 200, headers: [] })', 'its body is undefined, and neither'],
    ["({ status: '200', headers: [], body: null })", 'its status is a string'],
    ['({ status: 99, headers: [], body: null })', 'its status is 99'],
    ["({ status: 200, headers: { A: 'b' }, body: null })", 'its headers are no list of names and values'],
    ["({ status: 200, headers: ['A', 'b'], body: null })", 'its headers are no list of names and values'],
    ["({ status: 200, headers: [['A b', 'c']], body: null })", 'its header "A b" is malformed'],
    ["({ status: 200, headers: [['A', 'b'], ['C', 'd\\ne']], body: null })", 'its header "C" is malformed'],
  ]
  for (const [answer, flaw] of unsound)
    test(`an answer that cannot be sent: ${answer}`, async () =>
      await expect(answering(answer)).rejects.toThrow(`./filters/mine.mjs:careless gave no answer that can be sent: ${flaw}`))

  test.each(['app', 'filter'])('an answer of an application that cannot be sent, below a %s', async (kind) => {
    const wrapped = kind === 'app' ? '[app:main]\n' : `[filter:f]\nuse = egg:my.dist#mark\n${piped.replace(' a', ' b')}\n[app:b]\n`
    await expect(run(`${wrapped}paste.app_factory = ./filters/mine.mjs:made\nanswer = async () => 5`)).rejects.toThrow(
      './filters/mine.mjs:made gave no answer that can be sent: it is a number',
    )
  })

  test.each(['app', 'filter', 'filter_app'])('a %s that is no function is refused at composition', async (kind) => {
    const section = kind === 'app' ? '[app:main]' : '[filter:f]'
    const rest = kind === 'app' ? '' : piped
    const answer = kind === 'filter_app' ? 'undefined' : '5'
    expect(await complaint(run(`${section}\npaste.${kind}_factory = ./filters/mine.mjs:made\nanswer = ${answer}\n${rest}`))).toBe(
      `etc/p.ini: ${section} ./filters/mine.mjs:made made ${kind === 'filter_app' ? 'undefined' : 'a number'}, and no function`,
    )
  })

  const refused: [string, string | RegExp][] = [
    [
      './filters/none.mjs:make',
      /^etc\/p.ini: \[filter:f\] no filter factory is known as '.\/filters\/none.mjs:make' \(there is no such file\); known are egg:my.dist#mark, test:fails/,
    ],
    [
      './filters/mine.mjs:none',
      "etc/p.ini: [filter:f] ./filters/mine.mjs:none: the module has no export 'none'; it has app, careless, group, made, make, number",
    ],
    ['./filters/mine.mjs:number', "etc/p.ini: [filter:f] ./filters/mine.mjs:number: the export 'number' is no function"],
  ]
  for (const [factory, expected] of refused)
    test(`refused: ${factory}`, async () => expect(await complaint(run(filter(factory)))).toMatch(expected))

  test('a module that lacks something of its own says so', async () => {
    const message = await complaint(run(filter('./filters/broken.mjs:make'), { 'etc/filters/broken.mjs': "import 'not-there-at-all'" }))
    expect(message).toContain("Cannot find package 'not-there-at-all'")
  })
})

describe('refused at composition', () => {
  const rows: [string, string, string][] = [
    [
      'an unknown factory',
      '[app:main]\npaste.app_factory = nova.nothing:Nothing.factory',
      "p.ini: [app:main] no app factory is known as 'nova.nothing:Nothing.factory' (there is no module 'nova.nothing'); known are egg:my.dist#main, test:conf, test:echo",
    ],
    [
      'an unknown filter',
      `${a}[filter:f]\npaste.filter_factory = watcher\n[pipeline:main]\npipeline = f a`,
      "p.ini: [filter:f] no filter factory is known as 'watcher' (it is not of the form module:export); known are egg:my.dist#mark, test:fails, test:mark, test:slow",
    ],
    [
      'an unknown egg',
      '[app:main]\nuse = egg:Other#x',
      "p.ini: [app:main] no app factory is known as 'egg:other#x' (only filters and applications can come from modules); known are",
    ],
    ['an unknown section', `${a}[pipeline:main]\npipeline = f a`, "p.ini: [pipeline:main] there is no filter 'f'; there is none"],
    ['no such application', a, "p.ini: there is no app 'main'; there is [app:a]"],
    [
      'an ambiguous name',
      `${a}[app:main]\nuse = a\n[pipeline:main]\npipeline = a`,
      "p.ini: 'main' is ambiguous: [app:main], [pipeline:main]",
    ],
    [
      'a loop',
      '[app:main]\nuse = b\n[app:b]\nuse = main',
      'p.ini: [app:main] leads back to itself: p.ini [app:main] → p.ini [app:b] → p.ini [app:main]',
    ],
    ['a loop through a composite', '[composite:main]\nuse = egg:Paste#urlmap\n/: main', 'p.ini: [composite:main] leads back to itself'],
    ['no factory', '[app:main]\nname = x', "p.ini: [app:main] names no factory: there is neither 'use' nor 'paste.app_factory'"],
    [
      'two factories',
      '[app:main]\npaste.app_factory = test:echo\npaste.composite_factory = test:first',
      'p.ini: [app:main] names more than one factory: paste.app_factory, paste.composite_factory',
    ],
    ['an empty pipeline', '[pipeline:main]\npipeline =', "p.ini: [pipeline:main] there is no 'pipeline'"],
    [
      'a pipeline with more',
      `${a}[pipeline:main]\npipeline = a\nname = x`,
      'p.ini: [pipeline:main] a pipeline takes no other settings: name',
    ],
    ['a filter-app without next', `${f}[filter-app:main]\nuse = f`, "p.ini: [filter-app:main] there is no 'next'"],
    ['another scheme', '[app:main]\nuse = http://x', "p.ini: [app:main] 'http://x' starts with none of config:, egg:, call:"],
    ['a missing file', '[app:main]\nuse = config:none.ini', 'p.ini: [app:main] the file none.ini does not exist'],
    [
      'a factory that fails',
      `${a}[filter:f]\npaste.filter_factory = test:fails\n[pipeline:main]\npipeline = f a`,
      'p.ini: [filter:f] test:fails: it is broken',
    ],
    [
      'a mount that makes no sense',
      `${a}[composite:main]\nuse = egg:Paste#urlmap\nfoo: a`,
      "p.ini: [composite:main] egg:Paste#urlmap: 'foo': a path starts with / or http://",
    ],
    [
      'no pipeline for the strategy',
      '[composite:main]\nuse = call:nova.api.auth:pipeline_factory_v21\nnoauth2 = a',
      "p.ini: [composite:main] nova.api.auth:pipeline_factory_v21: no pipeline for 'keystone'; there is noauth2",
    ],
    ['require', '[app:main]\nrequire = Foo', "p.ini: [app:main] 'require' names Python packages, of which there are none here"],
    ['a global that is not there', '[app:main]\nget x = y', "p.ini: [app:main] 'get x = y': there is no such global variable"],
    ['a stray percent sign', '[app:main]\nx = 5%', "p.ini: [app:main] a % in '5%' is neither %% nor %(name)s"],
    ['a variable that is not there', '[app:main]\nx = %(y)s', "p.ini: [app:main] '%(y)s' refers to 'y', which stands nowhere"],
    ['a variable of itself', '[app:main]\nx = %(x)s', "p.ini: [app:main] '%(x)s' leads back to itself"],
    ['no assignment', '[app:main]\nnonsense', "p.ini: [app:main] line 2: 'nonsense' is no assignment"],
    ['no section', 'x = 1', 'p.ini: line 1: an assignment stands before the first section'],
    ['a section twice', '[app:main]\n[app:main]', 'p.ini: [app:main] line 2: the section stands twice'],
    ['a name twice', '[app:main]\nx = 1\nx = 2', "p.ini: [app:main] line 3: 'x' stands twice"],
  ]
  for (const [name, ini, expected] of rows) test(name, async () => expect(await complaint(compose({ 'p.ini': ini }))).toContain(expected))

  test('the paste file itself is missing', async () => {
    expect(await complaint(composePaste({ file: join(root, '0/none.ini'), name: 'main', registry }))).toBe(
      'none.ini: the paste file does not exist',
    )
  })
})

describe('files that are in use', () => {
  const app = (name: string) => () => echo(name)
  const others: Registry = {
    filters: {
      'keystonemiddleware.auth_token:filter_factory': () => mark('authtoken'),
      'nova.api.auth:NovaKeystoneContext.factory': () => mark('keystonecontext'),
    },
    apps: {
      'nova.api.openstack.compute:APIRouterV21.factory': app('router'),
      'nova.api.openstack.compute.versions:Versions.factory': app('versions'),
      'nova.api.openstack.compute.versions:VersionsV2.factory': app('version'),
      'nova.api.metadata.handler:MetadataRequestHandler.factory': app('metadata'),
    },
  }
  const load = async (ini: string, name: string, nova = '') => {
    const file = place({ 'api-paste.ini': ini, 'nova.conf': nova })
    const sources = await readSources({ files: [file, join(dirname(file), 'nova.conf')], prog: 'p', searchIn: [] })
    return composePaste({
      file,
      name,
      registry: mergeRegistries(
        sharedFilters(sources, () => silent),
        others,
      ),
    })
  }

  const v33 = `
[composite:metadata]
use = egg:Paste#urlmap
/: meta
[pipeline:meta]
pipeline = cors http_proxy_to_wsgi metaapp
[app:metaapp]
paste.app_factory = nova.api.metadata.handler:MetadataRequestHandler.factory
[composite:osapi_compute]
use = call:nova.api.openstack.urlmap:urlmap_factory
/: oscomputeversions
/v2: oscomputeversion_legacy_v2
/v2.1: oscomputeversion_v2
# a comment
/v2/+: openstack_compute_api_v21_legacy_v2_compatible
/v2.1/+: openstack_compute_api_v21
[composite:openstack_compute_api_v21]
use = call:nova.api.auth:pipeline_factory_v21
keystone = cors http_proxy_to_wsgi compute_req_id faultwrap request_log sizelimit osprofiler authtoken keystonecontext osapi_compute_app_v21
[composite:openstack_compute_api_v21_legacy_v2_compatible]
use = call:nova.api.auth:pipeline_factory_v21
keystone = cors http_proxy_to_wsgi compute_req_id faultwrap request_log sizelimit osprofiler authtoken keystonecontext legacy_v2_compatible osapi_compute_app_v21
[filter:request_log]
paste.filter_factory = nova.api.openstack.requestlog:RequestLog.factory
[filter:compute_req_id]
paste.filter_factory = nova.api.compute_req_id:ComputeReqIdMiddleware.factory
[filter:faultwrap]
paste.filter_factory = nova.api.openstack:FaultWrapper.factory
[filter:osprofiler]
paste.filter_factory = nova.profiler:WsgiMiddleware.factory
[filter:sizelimit]
paste.filter_factory = oslo_middleware:RequestBodySizeLimiter.factory
[filter:http_proxy_to_wsgi]
paste.filter_factory = oslo_middleware.http_proxy_to_wsgi:HTTPProxyToWSGI.factory
[filter:legacy_v2_compatible]
paste.filter_factory = nova.api.openstack:LegacyV2CompatibleWrapper.factory
[app:osapi_compute_app_v21]
paste.app_factory = nova.api.openstack.compute:APIRouterV21.factory
[pipeline:oscomputeversions]
pipeline = cors faultwrap request_log http_proxy_to_wsgi oscomputeversionapp
[pipeline:oscomputeversion_v2]
pipeline = cors compute_req_id faultwrap request_log http_proxy_to_wsgi oscomputeversionapp_v2
[pipeline:oscomputeversion_legacy_v2]
pipeline = cors compute_req_id faultwrap request_log http_proxy_to_wsgi legacy_v2_compatible oscomputeversionapp_v2
[app:oscomputeversionapp]
paste.app_factory = nova.api.openstack.compute.versions:Versions.factory
[app:oscomputeversionapp_v2]
paste.app_factory = nova.api.openstack.compute.versions:VersionsV2.factory
[filter:cors]
paste.filter_factory = oslo_middleware.cors:filter_factory
oslo_config_project = nova
[filter:keystonecontext]
paste.filter_factory = nova.api.auth:NovaKeystoneContext.factory
[filter:authtoken]
paste.filter_factory = keystonemiddleware.auth_token:filter_factory
`
  // OpenStack-Helm: fewer filters, an older noauth2 key, no version application of its own for /v2.1
  const helm = (filters: string) => `
[composite:osapi_compute]
use = call:nova.api.openstack.urlmap:urlmap_factory
/ = oscomputeversions
/v2 = openstack_compute_api_v21_legacy_v2_compatible
/v2.1 = openstack_compute_api_v21
[composite:openstack_compute_api_v21]
use = call:nova.api.auth:pipeline_factory_v21
keystone = ${filters} osapi_compute_app_v21
noauth2 = cors noauth2 osapi_compute_app_v21
[composite:openstack_compute_api_v21_legacy_v2_compatible]
use = call:nova.api.auth:pipeline_factory_v21
keystone = ${filters} legacy_v2_compatible osapi_compute_app_v21
[filter:noauth2]
paste.filter_factory = nova.api.openstack.auth:NoAuthMiddleware.factory
[filter:audit]
paste.filter_factory = keystonemiddleware.audit:filter_factory
audit_map_file = /etc/nova/api_audit_map.conf
${v33.slice(v33.indexOf('[filter:request_log]'))}`

  const call = async (app: Application, path: string) => {
    const { status, headers, body } = await app(ask(`GET ${path}`))
    return [status, headers.filter(([name]) => name.startsWith('x-')).map(([name]) => name), body]
  }
  const ids = ['x-openstack-request-id', 'x-compute-request-id']

  test("Nova 33's own", async () => {
    const compute = await load(v33, 'osapi_compute')
    expect(await call(compute, '/')).toEqual([200, [], 'versions |/'])
    expect(await call(compute, '/v2.1')).toEqual([200, ids, 'version /v2.1|'])
    expect(await call(compute, '/v2/')).toEqual([200, ids, 'version /v2|/'])
    expect(await call(compute, '/v2.1/servers')).toEqual([200, ids, 'authtoken>keystonecontext>router /v2.1|/servers'])
    expect(await call(compute, '/v2/servers')).toEqual([200, ids, 'authtoken>keystonecontext>router /v2|/servers'])
    expect(await call(await load(v33, 'metadata'), '/latest/')).toEqual([200, [], 'metadata |/latest/'])
  })

  test("OpenStack-Helm's", async () => {
    const compute = await load(
      helm('cors http_proxy_to_wsgi compute_req_id faultwrap sizelimit authtoken keystonecontext'),
      'osapi_compute',
    )
    expect(await call(compute, '/v2.1/servers')).toEqual([200, ids, 'authtoken>keystonecontext>router /v2.1|/servers'])
    expect(await call(compute, '/v2.1')).toEqual([200, ids, 'authtoken>keystonecontext>router /v2.1|'])
  })

  test('with the audit filter, which is not built', async () => {
    const message = await complaint(load(helm('cors audit'), 'osapi_compute'))
    expect(message).toMatch(
      /^api-paste.ini: \[filter:audit\] no filter factory is known as 'keystonemiddleware.audit:filter_factory' .*known are egg:oslo.middleware#cors, /,
    )
  })

  test('a filter takes its options from nova.conf, and from its section before that', async () => {
    const big = ask('POST /v2.1/servers', { headers: { 'content-length': '60' } })
    const limited = '[oslo_middleware]\nmax_request_body_size = 50'
    expect((await (await load(v33, 'osapi_compute'))(big)).status).toBe(200)
    expect((await (await load(v33, 'osapi_compute', limited))(big)).status).toBe(413)
    const own = v33.replace('[filter:sizelimit]', '[filter:sizelimit]\nmax_request_body_size = 70')
    expect((await (await load(own, 'osapi_compute', limited))(big)).status).toBe(200)
  })

  test('a wrong option refuses the composition', async () => {
    expect(await complaint(load(v33, 'osapi_compute', '[oslo_middleware]\nmax_request_body_size = much'))).toMatch(
      /^api-paste.ini: \[filter:sizelimit\] oslo_middleware:RequestBodySizeLimiter.factory: nova.conf:2: \[oslo_middleware\] max_request_body_size: 'much' is not an integer$/,
    )
    expect(await complaint(load(v33.replace('oslo_config_project = nova', ''), 'metadata'))).toMatch(
      /allowed_origin or oslo_config_project is required$/,
    )
  })

  test('the scheme from secure_proxy_ssl_header', async () => {
    const seen: string[] = []
    const file = place({
      'p.ini':
        '[filter:w]\npaste.filter_factory = nova.api.openstack:FaultWrapper.factory\n[app:a]\npaste.app_factory = test:scheme\n[pipeline:main]\npipeline = w a',
      'nova.conf': '[wsgi]\nsecure_proxy_ssl_header = HTTP_X_FORWARDED_PROTO',
    })
    const sources = await readSources({ files: [join(dirname(file), 'nova.conf')], prog: 'p', searchIn: [] })
    const schemes: Registry = {
      apps: {
        'test:scheme':
          () =>
          async ({ scheme }) =>
            text(200, String(seen.push(scheme))),
      },
    }
    const app = await composePaste({
      file,
      name: 'main',
      registry: mergeRegistries(
        sharedFilters(sources, () => silent),
        schemes,
      ),
    })
    await app(ask('GET /', { headers: { 'x-forwarded-proto': 'https' } }))
    await app(ask('GET /'))
    expect(seen).toEqual(['https', 'http'])
  })

  test('tracing that was asked for is said to be missing', async () => {
    const file = place({ 'nova.conf': '[profiler]\nenabled = true', 'p.ini': v33 })
    const sources = await readSources({ files: [file], prog: 'p', searchIn: [] })
    const warnings: string[] = []
    const log = (name: string) => ({ ...silent, warning: (message: string) => void warnings.push(`${name}: ${message}`) })
    await composePaste({
      file: join(dirname(file), 'p.ini'),
      name: 'osapi_compute',
      registry: mergeRegistries(sharedFilters(sources, log), others),
    })
    expect(new Set(warnings)).toEqual(
      new Set(['nova.profiler: [profiler] enabled is true, but traces of OSProfiler are not supported: requests are not traced']),
    )
  })

  test('a health check stands as an application only', async () => {
    const ini =
      '[app:main]\npaste.app_factory = oslo_middleware:Healthcheck.app_factory\nbackends = disable_by_file\ndisable_by_file_path = /nowhere'
    expect((await (await load(ini, 'main'))(ask('GET /healthcheck'))).body).toBe('OK')
    const filter =
      '[app:a]\npaste.app_factory = nova.api.openstack.compute:APIRouterV21.factory\n[filter:h]\npaste.filter_factory = oslo_middleware:Healthcheck.factory\n[pipeline:main]\npipeline = h a'
    expect(await complaint(load(filter, 'main'))).toMatch(/a health check is an application, not a filter/)
  })
})
