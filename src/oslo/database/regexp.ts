/** Whether a pattern is found in a text, in bounded time: patterns come from clients, and some take Node's engine longer than anyone waits. */
import vm from 'node:vm'
import { fromPython } from '../python-regexp.ts'
import { DatabaseError } from './errors.ts'

/** Of one text, in milliseconds. */
const patience = 250

/**
 * What `x REGEXP pattern` asks: whether the pattern is found anywhere, as Nova on MariaDB answers it, whatever the case of letters. A bar stands
 * for itself there (nova/db/utils.py _safe_regex_mysql). Throws DatabaseError when the pattern is none, and when it takes too long for a text.
 */
export const found = (pattern: string): ((text: string) => boolean) => bounded(compile(pattern), pattern)

/** Whether the expression is found in a text. Throws DatabaseError when that takes too long; `pattern` is what it was made of. */
export const bounded = (compiled: RegExp, pattern: string): ((text: string) => boolean) =>
  mayTakeLong(pattern) ? limited(pattern, compiled) : (text) => compiled.test(text)

function compile(pattern: string): RegExp {
  try {
    const escaped = pattern.replaceAll('|', '\\|')
    // MariaDB takes some that Python does not, such as (?<name>…)
    const { source, flags } = fromPython(escaped) ?? new RegExp(escaped)
    return new RegExp(source, [...new Set(`${flags}i`)].join(''))
  } catch (error) {
    throw new DatabaseError(`not a regular expression: ${pattern}`, { cause: error })
  }
}

/** One or two repeated characters cost at most the cube of a name's length; more, or a repeated group, may cost any power of it. */
const mayTakeLong = (pattern: string): boolean => /\)[*+?{]/.test(pattern) || (pattern.match(/[*+?{]/g) ?? []).length > 2

/** The limit costs a third of a millisecond for each text, so plain patterns go without. */
function limited(pattern: string, compiled: RegExp): (text: string) => boolean {
  const context = vm.createContext({ compiled, text: '' })
  const script = new vm.Script('compiled.test(text)')
  return (text) => {
    context.text = text
    try {
      return script.runInContext(context, { timeout: patience })
    } catch (error) {
      throw new DatabaseError(`it takes too long to look for the regular expression ${pattern}`, { cause: error })
    }
  }
}
