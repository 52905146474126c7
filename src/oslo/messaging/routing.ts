/** The file of the notification driver `routing`: which drivers get which notifications. oslo_messaging/notify/_impl_routing.py */
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { ConfigError } from '../config/error.ts'

interface Rule {
  readonly driver: string
  readonly events: readonly RegExp[] | undefined
  readonly priorities: readonly RegExp[] | undefined
}

export interface Routes {
  /** All that the file names. */
  readonly drivers: readonly string[]
  /** Those that a notification goes to, each once; the priority in lower case. */
  driversFor(event: string, priority: string): string[]
}

/** Groups of drivers, each with the events and priorities that it takes as shell patterns. Throws a `ConfigError` for a file that is not so. */
export function readRoutes(file: string | null): Routes {
  const rules = file ? rulesOf(file, contentOf(file)) : []
  return {
    drivers: [...new Set(rules.map(({ driver }) => driver))],
    driversFor(event, priority) {
      const takes = (patterns: readonly RegExp[] | undefined, text: string) =>
        patterns === undefined || patterns.some((one) => one.test(text))
      const taking = rules.filter(({ events, priorities }) => takes(events, event) && takes(priorities, priority))
      return [...new Set(taking.map(({ driver }) => driver))]
    },
  }
}

const refuse = (file: string, why: string): ConfigError => new ConfigError(`[oslo_messaging_notifications] routing_config: ${file} ${why}`)

function contentOf(file: string): unknown {
  try {
    return parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw refuse(file, `cannot be read: ${error instanceof Error ? error.message : error}`)
  }
}

const isBag = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)

function rulesOf(file: string, content: unknown): Rule[] {
  if (content === null || content === undefined) return []
  if (!isBag(content)) throw refuse(file, 'is not a table of groups')
  return Object.entries(content).flatMap(([group, drivers]) => {
    if (!isBag(drivers)) throw refuse(file, `has a group ${group} that is not a table of drivers`)
    return Object.entries(drivers).map(([driver, rules]) => {
      const { accepted_events: events, accepted_priorities: priorities } = isBag(rules) ? rules : {}
      if (rules !== null && !isBag(rules)) throw refuse(file, `has a driver ${group}/${driver} that is not a table of rules`)
      return { driver, events: patterns(events), priorities: patterns(priorities, (text) => text.toLowerCase()) }
    })
  })

  function patterns(value: unknown, form = (text: string) => text): RegExp[] | undefined {
    if (value === undefined) return undefined
    if (!Array.isArray(value)) throw refuse(file, 'has accepted_events or accepted_priorities that are no lists')
    return value.map((one) => fromShell(form(String(one))))
  }
}

/** As Python's fnmatch: `*`, `?`, `[abc]` and `[!abc]`. */
function fromShell(pattern: string): RegExp {
  const source = pattern.replace(/\[(!?)([^\]]+)\]|[\s\S]/g, (part, not: string | undefined, members: string | undefined) => {
    if (members !== undefined) return `[${not ? '^' : ''}${members.replace(/[\\^[]/g, '\\$&')}]`
    return part === '*' ? '.*' : part === '?' ? '.' : part.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
  })
  return new RegExp(`^${source}$`, 's')
}
