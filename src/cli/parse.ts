/** Reads flags of a command line, and says what was probably meant by one that there is not. */
import { type ParseArgsConfig, parseArgs } from 'node:util'
import { UsageError } from './usage.ts'

type Options = NonNullable<ParseArgsConfig['options']>

/** As `parseArgs` of Node. Throws a `UsageError`. */
export function parseFlags<O extends Options>(argv: readonly string[], options: O, allowPositionals = false) {
  try {
    return parseArgs({ args: [...argv], options, allowPositionals, strict: true })
  } catch (error) {
    const [message = ''] = (error as Error).message.split('. ')
    const [, unknown] = /^Unknown option '(--?[^']+)'/.exec(message) ?? []
    throw new UsageError(
      `${message}${
        unknown === undefined
          ? ''
          : meant(
              unknown,
              Object.keys(options).map((name) => `--${name}`),
            )
      }`,
      { cause: error },
    )
  }
}

/** `; did you mean X?` when one of the names is near enough to the word, else nothing. */
export function meant(word: string, names: readonly string[]): string {
  const nearest = names.map((name) => ({ name, edits: editsBetween(word, name) })).sort((a, b) => a.edits - b.edits)[0]
  const near = nearest !== undefined && nearest.edits <= Math.max(1, Math.floor(word.replace(/^-+/, '').length / 3))
  return near ? `; did you mean ${nearest.name}?` : ''
}

/** What there is instead of a word that is no command, the likeliest first. */
export function listed(word: string, names: readonly string[]): string {
  const near = meant(word, names)
  return `${near === '' ? ': there' : `${near} There`} are ${names.join(', ')}`
}

/** Letters to be changed, added, left out, or exchanged with the next (optimal string alignment). */
function editsBetween(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, index) => index)]
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      row[j] = Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, rows[i - 1]![j - 1]! + (same ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) row[j] = Math.min(row[j]!, rows[i - 2]![j - 2]! + 1)
    }
    rows.push(row)
  }
  return rows[a.length]![b.length]!
}
