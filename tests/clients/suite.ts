/** Runs a suite of Python tests and tells what came of each: those that failed at once, counts and reasons at the end. */
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Workspace } from './inside.ts'

export interface Result {
  readonly status: string
  /** Without the attributes in brackets that Tempest appends. */
  readonly test: string
  readonly seconds: number
  readonly reason: string
}

const reader = readFileSync(join(import.meta.dirname, 'results.py'), 'utf8')
const bad = new Set(['fail', 'uxsuccess'])
const tell = (text: string) => void process.stdout.write(`${text}\n`)
const short = (reason: string) => (reason.length > 300 ? `${reason.slice(0, 300)} …` : reason)

type Env = Readonly<Record<string, string>>
type Each = (result: Result) => void

/** The command writes a subunit v2 stream; `each` is told of a test as it ends. */
export async function runSuite(workspace: Workspace, command: string, env: Env = {}, each: Each = () => undefined): Promise<Result[]> {
  await workspace.write('results.py', reader)
  return runRows(workspace, `{ ${command}; } | python3 results.py`, env, each)
}

/** The command writes a line of JSON for each test: status, name, seconds, reason. */
export async function runRows(workspace: Workspace, command: string, env: Env = {}, each: Each = () => undefined): Promise<Result[]> {
  const results: Result[] = []
  const { code, err } = await workspace.run(command, env, (line) => {
    const [status, id, seconds, reason] = JSON.parse(line)
    const result = { status, test: id.replace(/\[.*?\]/, ''), seconds, reason }
    results.push(result)
    each(result)
    if (bad.has(status)) tell(`FAILED ${result.test}\n       ${short(reason)}`)
  })
  if (results.length === 0 || code !== 0) throw new Error(`it ended with ${code} after ${results.length} results: ${err}`)
  return results
}

/** Prints counts by status, and the tests by their reasons. */
export function report(title: string, results: readonly Result[]): void {
  const counts = Map.groupBy(results, ({ status }) => status)
  tell(`\n== ${title}: ${[...counts].map(([status, { length }]) => `${length} ${status}`).join(', ')}`)
  for (const status of ['fail', 'xfail', 'uxsuccess', 'skip'])
    for (const [reason, tests] of Map.groupBy(counts.get(status) ?? [], ({ reason }) => short(reason)))
      tell(`\n${status}: ${reason}\n${tests.map(({ test }) => `  ${test}`).join('\n')}`)
}

/** Prints which tests another run passed and this one did not, and the other way round. */
export function compare(results: readonly Result[], other: readonly Result[]): void {
  const passed = (rows: readonly Result[]) => new Set(rows.filter(({ status }) => status === 'success').map(({ test }) => test))
  const [ours, theirs] = [passed(results), passed(other)]
  const lost = [...theirs].filter((test) => !ours.has(test)).sort()
  const more = [...ours].filter((test) => !theirs.has(test)).sort()
  tell(`\n${theirs.size} passed there, ${ours.size} here; ${lost.length} only there, ${more.length} only here`)
  for (const [word, names] of [
    ['only there', lost],
    ['only here', more],
  ] as const)
    for (const name of names) tell(`  ${word}: ${name}`)
}

const asLine = ({ status, test, reason }: Result): string => `${[status, test, reason].join('\t')}\n`

/** A run as lines of status, test and reason, parted by tabs. */
export const writeResults = (file: string, results: readonly Result[]): void => writeFileSync(file, results.map(asLine).sort().join(''))

/** Adds a test to what `readResults` reads: a run that is stopped has kept those that ended. */
export const addResult = (file: string, result: Result): void => appendFileSync(file, asLine(result))

export const readResults = (file: string): Result[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.includes('\t'))
    .map((line) => line.split('\t'))
    .map(([status, id, reason]) => ({ status: status!, test: id!.replace(/\[.*?\]/, ''), seconds: 0, reason: reason ?? '' }))

export const failed = (results: readonly Result[]): number => results.filter(({ status }) => bad.has(status)).length
