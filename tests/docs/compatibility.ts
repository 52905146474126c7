/** The table of compatibility: for each operation of Nova and each version at which something about it changes, what was compared and whether it is the same. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { type Minor, newest } from '../../src/api/spec/history.ts'
import type { Results } from '../conformance/tally.ts'
import { compare, elsewhere } from '../upstream/compare.ts'
import { type Upstream, upstream } from '../upstream/operations.ts'
import type { Matrix } from '../upstream/policy-matrix.ts'

const recorded = join(import.meta.dirname, '..', 'conformance', 'results.json')
const results: Results = existsSync(recorded) ? (JSON.parse(readFileSync(recorded, 'utf8')) as Results) : {}

const matrix = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'upstream', 'facts', 'policy-matrix.json'), 'utf8')) as Matrix

/** Who was told what by a running Nova: cells, and those in which it failed itself. */
function matrixTable(): string {
  const told = Object.values(matrix)
    .flatMap((rows) => Object.values(rows))
    .flatMap((row) => Object.entries(row!).flatMap(([cell, who]) => who.split(' ').map(() => cell)))
  const failed = told.filter((cell) => cell === '500').length
  return `## Who may do what

Each operation, at its newest and its oldest microversion, was asked for by callers of nine kinds (administrator, manager, member, reader, a member of another project, a role that
means nothing, a service, a token of the whole system, a token of a domain), of things that are there and of things that are not, with bodies that are right and that are wrong, and
what has a rule of its own besides. A running Nova gave ${told.length} answers; in ${failed} of them it failed itself (nearly all through \`/os-volumes_boot\`). The statuses of the
other ${told.length - failed}, the rules that their texts name and the fields that servers, flavors and actions show are the same here: \`tests/upstream/policy-matrix.test.ts\`.
`
}

/** What differs when the texts of messages are compared, too: kinds with their counts. */
const texts = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'conformance', 'texts.json'), 'utf8')) as {
  readonly date: string
  readonly all: number
  readonly kinds: readonly [reason: string, count: number][]
}

function textsTable(): string {
  const differing = texts.kinds.reduce((total, [, count]) => total + count, 0)
  const same = texts.all - differing
  return `## Texts of messages

With \`STRICT=1 npm run conformance -- FOLDER\` the texts count, too. Of ${texts.all} recorded exchanges of both APIs ${same} are identical then
(${((100 * same) / texts.all).toFixed(1)} %; embedded cloud, ${texts.date}). The others:

| what differs, and why | exchanges |
|---|---|
${texts.kinds.map(([reason, count]) => `| ${reason} | ${count} |`).join('\n')}
`
}

/** Versions between two changes, both ends included. */
interface Stretch {
  readonly from: Minor
  readonly to: Minor
}

function stretches(operation: Upstream): Stretch[] {
  const { since, until } = operation
  const starts = [since]
  for (let minor = since + 1; minor <= until; minor++)
    if (!isDeepStrictEqual(declared(operation, minor), declared(operation, minor - 1))) starts.push(minor)
  return starts.map((from, i) => ({ from, to: (starts[i + 1] ?? until + 1) - 1 }))
}

/** Schemas are the same objects as long as they are the same. */
const declared = ({ body, query, response, status, errors }: Upstream, minor: Minor) => [
  ...[body, query, response].map((of) => nameOf(of(minor))),
  status(minor),
  errors(minor),
]

const names = new Map<object, number>()
function nameOf(schema: object | undefined): number {
  if (!schema) return -1
  if (!names.has(schema)) names.set(schema, names.size)
  return names.get(schema)!
}

interface Cell extends Stretch {
  /** What differs between the tables. */
  readonly wrong: readonly string[]
  readonly same: number
  readonly all: number
}

function cellOf(operation: Upstream, { from, to }: Stretch): Cell {
  const wrong = new Set<string>()
  for (let minor = from; minor <= to; minor++)
    for (const { what, have, want } of elsewhere.has(operation.at) ? [] : compare(operation, minor))
      if (!isDeepStrictEqual(have, want)) wrong.add(what)
  let [same, all] = [0, 0]
  for (const [version, counts] of Object.entries(results[operation.at] ?? {})) {
    const minor = version === 'legacy' ? 1 : Number(version.slice(2))
    if (minor < from || minor > to) continue
    same += counts[0]
    all += counts[1]
  }
  return { from, to, wrong: [...wrong], same, all }
}

function shown({ from, to, wrong, same, all }: Cell, compared: boolean): string {
  const span = from === to ? `2.${from}` : `2.${from}–${to === newest ? '' : `2.${to}`}`
  const tables = !compared ? '–' : wrong.length === 0 ? '✓' : `✗ ${wrong.join(', ')}`
  const answers = all === 0 ? '' : same === all ? ` ${all}` : ` **${same}/${all}**`
  return `${span} ${tables}${answers}`
}

export function compatibility(): string {
  const rows = upstream.map((operation) => ({ operation, cells: stretches(operation).map((stretch) => cellOf(operation, stretch)) }))
  const cells = rows.filter(({ operation }) => !elsewhere.has(operation.at)).flatMap((row) => row.cells)
  const sum = (of: (cell: Cell) => number) => cells.reduce((total, cell) => total + of(cell), 0)
  const live = rows.filter(({ operation }) => !operation.removed)
  const gone = rows.filter(({ operation }) => operation.removed)
  const line = ({ operation, cells }: (typeof rows)[number]) =>
    `| \`${operation.at}\` | ${cells.map((cell) => shown(cell, !elsewhere.has(operation.at))).join(' · ')} |`
  return `# Compatibility

Made by \`npm run docs\` from the comparisons in \`tests/upstream\` and the counts in \`tests/conformance/results.json\`; of what is written by hand
there are the reasons in the last table.

Each operation of Nova 33.0.2 has a row, and in it a cell for each stretch of microversions within which nothing about it changes. A check mark says that at every version of the
stretch our tables are equal to what Nova declares: that the operation is there or gone, the status of success, the declared errors, and the schemas of body and query with the
order of their keys. The number after it is how many recorded exchanges with a running Nova fell into the stretch and were answered identically; as a fraction in bold where some
were not. No number means that nothing was recorded there; a dash, that an application beside the tables
answers.

| | |
|---|---|
| Operations that live | ${live.length} |
| Operations that were taken away, and answer as such | ${gone.length} |
| Stretches compared | ${cells.length} |
| of them equal | ${cells.filter(({ wrong }) => wrong.length === 0).length} |
| Recorded exchanges | ${sum(({ all }) => all)} |
| of them identical | ${sum(({ same }) => same)} |

## Operations

| operation | versions |
|---|---|
${live.map(line).join('\n')}

## Taken away

| operation | versions |
|---|---|
${gone.map(line).join('\n')}

${matrixTable()}
${textsTable()}`
}
