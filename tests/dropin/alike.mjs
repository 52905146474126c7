#!/usr/bin/env node
// Asks Nova's own API and ours the same, on demand: bodies and queries made of Nova's schemas, some good, most spoiled, to every operation at both sides of every
// version at which something about it changes, each about a server (flavor, key, …) of the side's own, as several callers; says which answers differ, words included.
// In the environment: see twins.mjs.
// Arguments: --tries 4 (requests for each stretch of versions), --seed 1, --only PATTERN (of operations), --write FILE (the differences, a JSON text a line).
// Services and hosts are not changed with bodies that could succeed: both sides share them.
import { appendFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { ask, buildServer, plain, settled, sides, withTwins } from './twins.mjs'

const { verdictOf } = await import('../../src/api/serve/validate.ts')
const { mutations, seeded, valueFor } = await import('../support/mutations.ts')
const { upstream } = await import('../upstream/operations.ts')

const { values } = parseArgs({
  options: {
    tries: { type: 'string', default: '4' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
    write: { type: 'string' },
  },
})
const tries = Number(values.tries)
const only = new RegExp(values.only)
const random = seeded(Number(values.seed))
const pick = (items) => items[Math.floor(random() * items.length)]
const counts = { asked: 0, alike: 0, succeeded: 0 }
if (values.write) writeFileSync(values.write, '')

/** One that was changed so that the other requests would be about something else is made again. */
async function renewed() {
  const servers = await Promise.all(sides.map((side) => settled(side, () => true)))
  if (servers.every(({ status, locked }) => status === 'ACTIVE' && locked === false)) return
  await Promise.all(
    sides.map(async (side) => {
      await ask(side, 'admin', `DELETE /v2.1/servers/${side.things.server}`, { version: '2.96' })
      await buildServer(side)
    }),
  )
}

const strangers = ['8d5a1a3e-0b3e-4f0f-9d39-0d2f0e5ad6b1', '1', 'x', '%00', '%D1%82', 'a'.repeat(300), "'", '-1', '1e999']

/** What the names in a route stand for; of each thing the side's own, mostly. */
function namesOf(route) {
  const [, resource, , below] = route.split('/')
  const own = {
    servers: ({ server }) => server,
    flavors: ({ flavor }) => flavor,
    'os-keypairs': ({ key }) => key,
    'os-aggregates': ({ aggregate }) => aggregate,
    'os-server-groups': ({ group }) => group,
    images: ({ image }) => image,
    'os-hypervisors': ({ hypervisor }) => hypervisor,
    'os-hosts': ({ host }) => host,
    'os-quota-sets': (_, { other }) => other.projectId,
    'os-quota-class-sets': () => 'alike',
    'os-simple-tenant-usage': (_, { member }) => member.projectId,
    'os-networks': ({ network }) => network,
    'os-tenant-networks': ({ network }) => network,
    'os-volumes': ({ volume }) => volume,
    versions: () => 'v2.1',
  }[resource]
  const inner = {
    'os-interface': ({ port }) => port,
    'os-volume_attachments': ({ volume }) => volume,
    'os-instance-actions': ({ request }) => request,
    ips: () => 'shared',
    tags: () => 'abc',
    metadata: () => 'key1',
    'os-extra_specs': () => 'key1',
  }[below]
  let turn = 0
  return [...route.matchAll(/:(\w+)/g)].map(() => {
    const of = turn++ === 0 && resource !== 'os-snapshots' ? own : inner
    if (of && random() < 0.85) return of
    const stranger = pick(strangers)
    return () => stranger
  })
}

const pathOf = (route, names, { things, callers }) => {
  let turn = 0
  return route.replaceAll(/:\w+/g, () => names[turn++](things, callers))
}

const texts = (value) => (Array.isArray(value) ? value : [value]).map((each) => (typeof each === 'string' ? each : JSON.stringify(each)))
const queryOf = (query) =>
  typeof query !== 'object' || query === null
    ? ''
    : Object.entries(query)
        .flatMap(([name, value]) => texts(value).map((text) => `${encodeURIComponent(name)}=${encodeURIComponent(text)}`))
        .join('&')

const fits = (schema, value) => !schema || verdictOf(schema)(structuredClone(value))
/** What would be there already when the second side makes it. */
const made = /^(POST|PUT) \/(flavors|os-aggregates|os-keypairs)/
const sharedByBoth =
  /^(PUT|POST|DELETE) \/os-(services|hosts)|^DELETE \/(images|os-snapshots|os-volumes|os-networks)|^POST \/os-assisted|^PUT \/os-quota-class/

function requestOf(operation, minor) {
  const [bodySchema, querySchema] = [operation.body(minor), operation.query(minor)]
  const onlyQuery = !bodySchema || (querySchema && random() < 0.4)
  const spoiled = (schema) => schema && [...mutations(schema, random, 2)][random() < 0.25 ? 0 : 1]
  const body = onlyQuery ? bodySchema && valueFor(bodySchema, random) : spoiled(bodySchema)
  const query = onlyQuery ? spoiled(querySchema) : {}
  return { body, query, fits: fits(bodySchema, body) && fits(querySchema, query) }
}

/** What a side is asked: `GET /path`, and the text of a body. */
function routeAndText(side, { at, minor, who, names, body, query }) {
  const [method, route] = at.split(' ')
  const legacy = `/v2/${side.callers[who].projectId}`
  const prefix = route === '/' || route.startsWith('/versions') ? '' : minor === 0 ? legacy : '/v2.1'
  // what both make must not be in each other's way
  const own = (key, value) => (/^(name|id)$/.test(key) && /^[\w./-]{1,40}$/.test(value) && made.test(at) ? `${value}-${side.name}` : value)
  return {
    route: `${method} ${prefix}${pathOf(route, names, side)}${query && `?${query}`}`,
    text: body === undefined ? undefined : JSON.stringify(body, own),
  }
}

/** Asks both sides, one after the other. */
async function answersOf(request) {
  const { minor, who } = request
  const answers = []
  for (const side of sides) {
    const { route, text } = routeAndText(side, request)
    const failed = (error) => ({ status: 0, headers: {}, text: error.message })
    const answer = await ask(side, who, route, { text, version: minor === 0 ? undefined : `2.${minor}` }).catch(failed)
    answers.push({ said: `${route} ${text ?? ''}`, ...answer })
  }
  return answers
}

async function compare(operation, minor) {
  const { at } = operation
  const [method, route, action] = at.split(' ')
  const who = random() < 0.6 ? 'admin' : pick(['member', 'member', 'reader', 'other'])
  const asked = requestOf(operation, minor)
  if (asked.fits && sharedByBoth.test(at)) return
  const names = namesOf(route)
  // an action that nothing describes still has to be named
  const body = asked.body === undefined && action ? { [action]: null } : asked.body
  const answers = await answersOf({ at, minor, who, names, body, query: queryOf(asked.query) })
  const [nova, ours] = answers.map((answer) => plain(answer, at))
  counts.asked++
  if (nova === ours) counts.alike++
  else tell({ at, minor, who, said: answers.map(({ said }) => said), nova, ours })
  if (!answers.some(({ status }) => status < 300)) return
  counts.succeeded++
  if (method !== 'GET' && route.startsWith('/servers/')) await renewed()
}

function tell({ at, minor, who, said, nova, ours }) {
  const cut = { said: said.map((each) => each.slice(0, 3000)), nova: nova.slice(0, 4000), ours: ours.slice(0, 4000) }
  if (values.write) appendFileSync(values.write, `${JSON.stringify({ at, minor, who, ...cut })}\n`)
  else
    process.stdout.write(`\n${said[0].slice(0, 400)} as ${who} at 2.${minor}\n  nova ${nova.slice(0, 300)}\n  ours ${ours.slice(0, 300)}\n`)
}

await withTwins(async () => {
  for (const operation of upstream) {
    if (!only.test(operation.at)) continue
    const minors = operation.removed === undefined ? operation.boundaries : [operation.since, operation.until]
    for (const minor of [...new Set([...(operation.since === 1 ? [0] : []), ...minors])])
      for (let i = 0; i < tries; i++) await compare(operation, minor)
  }
})
process.stdout.write(
  `${counts.asked} asked, ${counts.succeeded} of them succeeded\n${counts.alike} passed, ${counts.asked - counts.alike} failed, 0 skipped\n`,
)
process.exit(counts.alike === counts.asked ? 0 : 1)
