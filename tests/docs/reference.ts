/** Reference pages: for each resource its operations, with the life of every field, as the tables say. */
import { resources } from '../../src/api/compute/index.ts'
import { replyOf, tagOf } from '../../src/api/openapi/document.ts'
import { history, type Microversion, type Minor, newest } from '../../src/api/spec/history.ts'
import { byVersion, type Operation } from '../../src/api/spec/operation.ts'
import { type Schema, schemaAt } from '../../src/api/spec/shape.ts'
import { holds } from '../../src/api/spec/span.ts'

interface Listed {
  readonly at: string
  readonly lives: readonly Operation[]
}

/** By path in the repository. */
export function referencePages(): Map<string, string> {
  const all = resources.flatMap((resource) => Object.entries(resource)).map(([at, lives]): Listed => ({ at, lives: [lives].flat() }))
  const byTag = Map.groupBy(all, ({ at }) => tagOf(at.split(' ')[1]!))
  const tags = [...byTag.keys()].sort()
  const pages = new Map(tags.map((tag) => [`docs/reference/${tag}.md`, page(tag, byTag.get(tag)!)]))
  pages.set('docs/reference/README.md', index(tags, byTag))
  return pages
}

const made = 'Made by `npm run docs` from the tables that serve the API; nothing in it is written by hand.'

function index(tags: readonly string[], byTag: ReadonlyMap<string, readonly Listed[]>): string {
  const lines = tags.map((tag) => {
    const listed = byTag.get(tag)!
    const gone = listed.filter(({ lives }) => lives.every((life) => life.gone !== undefined)).length
    return `| [${tag}](${tag}.md) | ${listed.length - gone} | ${gone || ''} |`
  })
  const versions = Object.entries(history).map(([version, change]) => `| ${version} | ${change} |`)
  return `# Reference\n\n${made}\n\n| resource | operations | taken away |\n|---|---|---|\n${lines.join('\n')}\n\n## Microversions\n\n| version | what it changed |\n|---|---|\n${versions.join('\n')}\n`
}

function page(tag: string, listed: readonly Listed[]): string {
  const ordered = [...listed].sort((a, b) => order(routeOf(a), routeOf(b)) || order(a.at, b.at))
  return `# ${tag}\n\n${made}\n\n${ordered.map(section).join('\n')}`
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
const routeOf = ({ at }: Listed): string => at.split(' ')[1]!

function section({ at, lives }: Listed): string {
  const gone = lives.find((life) => life.gone !== undefined)
  if (gone) return `## ${titleOf(at)}\n\n410 at every version. ${gone.gone}\n`
  const minors = range(0, newest).filter((minor) => lives.some(({ span }) => holds(span, Math.max(minor, 1))))
  const lifeAt = (minor: Minor) => lives.find(({ span }) => holds(span, Math.max(minor, 1)))
  const rules = [...new Set(lives.flatMap(({ rule }) => rule ?? []))]
  const facts = [
    `Versions: ${
      spansOf(
        minors.filter((minor) => minor > 0),
        1,
        newest,
      ) || 'all'
    }`,
    ...(rules.length > 0 ? [`Policy: ${rules.map((rule) => `\`${rule}\``).join(', ')}`] : []),
    `Success: ${lived(minors, (minor) => String(byVersion(lifeAt(minor)!.status ?? 200, minor)))}`,
    `Errors: ${lived(minors, (minor) => [...byVersion(lifeAt(minor)!.errors ?? [], minor)].sort().join(', ') || 'none of its own')}`,
  ]
  const parts = [
    table('Query', minors, (minor) => schemaOf(lifeAt(minor)?.query, minor)),
    table('Body', minors, (minor) => schemaOf(lifeAt(minor)?.body, minor)),
    table('Answer', minors, (minor) => {
      const life = lifeAt(minor)
      return life && replyOf(life, minor)
    }),
  ]
  return `## ${titleOf(at)}\n\n${facts.map((fact) => `- ${fact}`).join('\n')}\n${parts.join('')}`
}

const titleOf = (at: string): string => {
  const [method, route, action] = at.split(' ')
  return `${method} ${route!.replace(/:(\w+)/g, '{$1}')}${action ? ` ${action}` : ''}`
}

const schemaOf = (shapes: Operation['body'], minor: Minor): Schema | undefined => shapes && schemaAt(shapes, minor)

/** A row for each field that is there at some version, with the versions at which it is. */
function table(title: string, minors: readonly Minor[], at: (minor: Minor) => Schema | undefined): string {
  const lives = new Map<string, { minors: Minor[]; kind: string; required: Minor[] }>()
  for (const minor of minors)
    for (const { path, schema, required } of fieldsOf(at(minor))) {
      const life = lives.get(path) ?? { minors: [], kind: kindOf(schema), required: [] }
      life.minors.push(minor)
      if (required) life.required.push(minor)
      lives.set(path, { ...life, kind: kindOf(schema) })
    }
  if (lives.size === 0) return ''
  const rows = [...lives].map(([path, { minors: seen, kind, required }]) => {
    const must = required.length === 0 ? '' : required.length === seen.length ? 'yes' : spansOf(required, seen[0]!, seen.at(-1)!)
    return `| \`${path}\` | ${kind} | ${must} | ${spansOf(seen, minors[0]!, minors.at(-1)!)} |`
  })
  return `\n${title}:\n\n| field | kind | required | versions |\n|---|---|---|---|\n${rows.join('\n')}\n`
}

interface Place {
  readonly path: string
  readonly schema: Schema
  readonly required: boolean
}

/** Fields of objects, and of objects in lists, by their paths. */
function fieldsOf(schema: Schema | undefined, above = ''): Place[] {
  if (!schema) return []
  const needed = (schema.required ?? []) as readonly string[]
  const own = Object.entries((schema.properties ?? {}) as Record<string, Schema>).flatMap(([key, each]): Place[] => {
    const path = above === '' ? key : `${above}.${key}`
    return [{ path, schema: each, required: needed.includes(key) }, ...fieldsOf(each, path)]
  })
  const items = schema.items as Schema | undefined
  const variants = [schema.oneOf, schema.anyOf].flat().filter((each) => each !== undefined) as Schema[]
  const seen = new Set<string>()
  return [
    ...own,
    ...(items && !Array.isArray(items) ? fieldsOf(items, `${above}[]`) : []),
    ...variants.flatMap((each) => fieldsOf(each, above)),
  ].filter(({ path }) => !seen.has(path) && seen.add(path))
}

function kindOf({ type, enum: words, format, oneOf, anyOf, const: only }: Schema): string {
  if (Array.isArray(words)) return words.length > 6 ? 'one of several words' : words.map((word) => `\`${JSON.stringify(word)}\``).join(', ')
  if (only !== undefined) return `\`${JSON.stringify(only)}\``
  const variants = (oneOf ?? anyOf) as readonly Schema[] | undefined
  if (variants && type === undefined) return [...new Set(variants.map(kindOf))].join(' or ')
  const kind = [type ?? 'any'].flat().join(' or ')
  return format ? `${kind} (${format})` : kind
}

/** What holds at each version, with the versions where it is not the same at all. */
function lived(minors: readonly Minor[], at: (minor: Minor) => string): string {
  const groups = Map.groupBy(
    minors.filter((minor) => minor > 0),
    at,
  )
  if (groups.size === 1) return [...groups.keys()][0]!
  return [...groups].map(([value, seen]) => `${value} (${spansOf(seen, 0, 0)})`).join('; ')
}

/** `2.19–2.35, 2.40–`; nothing when they are all that there is. */
function spansOf(minors: readonly Minor[], first: Minor, last: Minor): string {
  if (minors[0] === first && minors.at(-1) === last && minors.length === last - first + 1) return ''
  const spans: [Minor, Minor][] = []
  for (const minor of minors) {
    const open = spans.at(-1)
    if (open && open[1] === minor - 1) open[1] = minor
    else spans.push([minor, minor])
  }
  const name = (minor: Minor): Microversion | 'legacy' => (minor === 0 ? 'legacy' : (`2.${minor}` as Microversion))
  return spans.map(([from, to]) => (from === to ? name(from) : `${name(from)}–${to === newest ? '' : name(to)}`)).join(', ')
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i)
