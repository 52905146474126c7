/** The rule language of oslo.policy: text, or the old lists of lists, to a tree, and back to text. */

export type Check =
  | { readonly is: 'true' }
  | { readonly is: 'false' }
  | { readonly is: 'not'; readonly check: Check }
  | { readonly is: 'and' | 'or'; readonly checks: readonly Check[] }
  /** `kind:match`, such as `role:admin`, `rule:admin_api` or `project_id:%(project_id)s`. */
  | { readonly is: 'leaf'; readonly kind: string; readonly match: string }

/** A rule that cannot be read; the text says why. */
export class InvalidRule extends Error {
  override readonly name = 'InvalidRule'
}

const always: Check = { is: 'true' }
const never: Check = { is: 'false' }

/**
 * Reads a rule in either form. Nothing at all (an empty text, list or value) allows everybody, as in oslo.policy.
 * Throws an `InvalidRule`, where oslo.policy logs and then denies.
 */
export function parseRule(rule: unknown): Check {
  if (rule === null || rule === undefined || rule === '') return always
  if (typeof rule === 'string') return parseText(rule)
  if (Array.isArray(rule)) return parseLists(rule)
  throw new InvalidRule(`a rule is a text or a list, not ${typeof rule === 'object' ? 'a mapping' : String(rule)}`)
}

/** The outer list is joined by "or", the inner ones by "and". */
function parseLists(rule: readonly unknown[]): Check {
  if (rule.length === 0) return always
  const either = rule
    .filter((inner) => inner !== '' && !(Array.isArray(inner) && inner.length === 0))
    .map((inner) => joined('and', (Array.isArray(inner) ? inner : [inner]).map(leaf)))
  return either.length === 0 ? never : joined('or', either)
}

const joined = (is: 'and' | 'or', checks: readonly Check[]): Check => (checks.length === 1 ? checks[0]! : { is, checks })

function leaf(text: unknown): Check {
  if (text === '!') return never
  if (text === '@') return always
  const colon = typeof text === 'string' ? text.indexOf(':') : -1
  if (typeof text !== 'string' || colon < 0) throw new InvalidRule(`"${text}" is not of the form kind:match`)
  return { is: 'leaf', kind: text.slice(0, colon), match: text.slice(colon + 1) }
}

/** Parentheses count only at the ends of a word: those inside belong to `%(name)s`. */
function words(text: string): string[] {
  return text.split(/\s+/).flatMap((word) => {
    const [, open, middle, close] = /^(\(*)(.*?)(\)*)$/s.exec(word)!
    return [...open!, ...(middle ? [middle] : []), ...close!]
  })
}

/** "not" binds closest, then "and", then "or". */
function parseText(text: string): Check {
  const rest = words(text).reverse()
  const next = () => rest.at(-1)?.toLowerCase()
  const check = series('or', () => series('and', term))
  if (rest.length > 0) throw new InvalidRule(`"${rest.at(-1)}" is not expected here`)
  return check

  function series(word: 'and' | 'or', part: () => Check): Check {
    const checks = [part()]
    while (next() === word) {
      rest.pop()
      checks.push(part())
    }
    return joined(word, checks)
  }

  function term(): Check {
    const word = rest.pop()
    if (word === undefined) throw new InvalidRule('it ends where a check is expected')
    if (word.toLowerCase() === 'not') return { is: 'not', check: term() }
    if (/^(['"]).*\1$/s.test(word)) throw new InvalidRule(`${word} is a text where a check is expected`)
    if (word !== '(') return leaf(word)
    const inside = series('or', () => series('and', term))
    if (rest.pop() !== ')') throw new InvalidRule('a parenthesis is not closed')
    return inside
  }
}

/** The canonical text of a rule: equal texts mean equal rules. */
export function ruleText(check: Check): string {
  switch (check.is) {
    case 'true':
      return '@'
    case 'false':
      return '!'
    case 'not':
      return `not ${ruleText(check.check)}`
    case 'leaf':
      return `${check.kind}:${check.match}`
    default:
      return `(${check.checks.map(ruleText).join(` ${check.is} `)})`
  }
}

/** The names of the rules that a rule refers to. */
export function references(check: Check): string[] {
  if (check.is === 'leaf') return check.kind === 'rule' ? [check.match] : []
  if (check.is === 'not') return references(check.check)
  return 'checks' in check ? check.checks.flatMap(references) : []
}
