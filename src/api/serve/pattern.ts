/** Patterns of schemas, which Nova's validator hands to Python's `re.search`. */
import { fromPython } from '../../oslo/python-regexp.ts'

const translated = new Map<string, RegExp>()

/** Translated once: schemas name few. Throws where Python would refuse, which no schema of Nova's does. */
export function patternOf(pattern: string): RegExp {
  let found = translated.get(pattern)
  if (!found) {
    found = fromPython(pattern)
    if (!found) throw new SyntaxError(`not a pattern: ${pattern}`)
    translated.set(pattern, found)
  }
  return found
}
