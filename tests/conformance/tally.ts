/**
 * Counts recorded exchanges with Nova by operation and microversion, and how many of them were identical: `node tests/conformance/tally.ts GOLDEN FOUND`, two
 * folders of `<scenario>.jsonl`. Writes results.json, from which the table of compatibility is made.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { newest } from '../../src/api/spec/history.ts'
import { router } from '../../src/app/router.ts'
import { upstream } from '../upstream/operations.ts'

interface Exchange {
  readonly label: string
  readonly request: { readonly method: string; readonly path: string; readonly mv: string | null; readonly body?: unknown }
  readonly response: { readonly status: number; readonly body: unknown; readonly headers: unknown }
}

/** By operation and microversion: how many are identical, and how many there are. */
export type Results = Record<string, Record<string, [same: number, all: number]>>

const table: Record<string, Map<string, string>> = {}
for (const { at } of upstream) {
  const [method, route, action = ''] = at.split(' ') as [string, string, string?]
  const actions = (table[`${method} ${route}`] ??= new Map())
  actions.set(action, at)
}
const routes = router(table)

/** The operation that an exchange asked for; undefined for paths that are none. */
function operationOf({ method, path, body }: Exchange['request']): string | undefined {
  const plain = path.split('?')[0]!.replace(/<([^>]*)>/g, (_, name: string) => name.replaceAll(/\W/g, '_'))
  const behind = plain.replace(/^\/v2(\.1)?(?=\/|$)/, '').replace(/^\/project_\w+(?=\/)/, '')
  const found = routes.match(method, behind)
  const action = found?.value.has('') ? '' : Object.keys((body ?? {}) as object)[0]
  return found?.value.get(action ?? '')
}

/** `legacy` for the endpoint without microversions; undefined for versions that are none. */
function versionOf({ path, mv }: Exchange['request']): string | undefined {
  if (/^\/v2(\/|$)/.test(path)) return 'legacy'
  return mv === null ? '2.1' : /^2\.[1-9]\d*$/.test(mv) && Number(mv.slice(2)) <= newest ? mv : undefined
}

/** As conform.mjs compares: message texts may differ, and where Nova itself failed any answer will do. */
function isSame(golden: Exchange, found: Exchange | undefined): boolean {
  if (!found) return false
  if (golden.response.status === 500) return true
  return isDeepStrictEqual(withoutMessages(golden.response), withoutMessages(found.response))
}

const withoutMessages = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(withoutMessages)
    : typeof value === 'object' && value !== null
      ? Object.fromEntries(Object.entries(value).map(([key, each]) => [key, key === 'message' ? '' : withoutMessages(each)]))
      : value

const read = (file: string): Exchange[] =>
  existsSync(file)
    ? readFileSync(file, 'utf8')
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Exchange)
    : []

/** Scenarios that were not run keep what was counted before. */
export function tally(golden: string, found: string, scenarios: readonly string[]): Results {
  const results: Results = {}
  for (const scenario of scenarios) {
    const answers = new Map(read(join(found, `${scenario}.jsonl`)).map((exchange) => [exchange.label, exchange]))
    for (const exchange of read(join(golden, `${scenario}.jsonl`))) {
      const at = operationOf(exchange.request)
      if (at === undefined) continue
      const version = versionOf(exchange.request)
      if (version === undefined) continue
      const counts = ((results[at] ??= {})[version] ??= [0, 0])
      counts[1]++
      if (isSame(exchange, answers.get(exchange.label))) counts[0]++
    }
  }
  return results
}

if (process.argv[1] === import.meta.filename) {
  const [golden, found] = process.argv.slice(2) as [string, string]
  const scenarios = readdirSync(found).map((file) => file.replace('.jsonl', ''))
  const results = tally(golden, found, scenarios.sort())
  const ordered = Object.fromEntries(Object.entries(results).sort(([a], [b]) => (a < b ? -1 : 1)))
  const lines = Object.entries(ordered).map(([at, counts]) => `  ${JSON.stringify(at)}: ${JSON.stringify(counts)}`)
  writeFileSync(join(import.meta.dirname, 'results.json'), `{\n${lines.join(',\n')}\n}\n`)
}
