/** Blots out what a report must not hold: passwords, tokens, keys, user data, tokens of consoles. */
import { maskPassword } from '../../oslo/mask-password.ts'

const hidden = '***'

/** Names whose values are secret, wherever they stand. */
const secret =
  /adminpass|pass(?:w(?:or)?d|phrase|_?code)?\d*$|secret|token|priv(?:ate)?_?key|user_?data|credential|cookie|random_seed|personality|internal_access_path|chap/i

const isSecret = (name: string): boolean => secret.test(name)

/** Longer texts are cut. */
const longest = 300

/** The value at these keys as it may be told. */
export const maskedValue = (keys: readonly string[], value: unknown): unknown => (keys.some(isSecret) ? hidden : masked(value, ''))

function masked(value: unknown, key: string): unknown {
  if (isSecret(key)) return hidden
  if (typeof value === 'string') return shortened(maskText(value))
  if (Array.isArray(value)) return value.length > 20 ? `a list of ${value.length}` : value.map((each) => masked(each, ''))
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, masked(each, name)]))
  return value
}

const shortened = (text: string): string => (text.length > longest ? `${text.slice(0, longest)}… (${text.length} characters)` : text)

/** A text with the secrets that are recognised in it hidden: tokens in links, and what oslo.utils hides in logs. */
export const maskText = (text: string): string =>
  maskPassword(text.replace(/([?&;][\w.-]*(?:token|password|secret|key)[\w.-]*=)[^&#;\s"]+/gi, `$1${hidden}`))

/** The path and query of a request as they may be told: the token of a console stands in one. */
export function maskedTarget(target: string): string {
  const [path = '', query] = target.split(/\?(.*)/s)
  const told = path.replace(/(\/os-console-auth-tokens\/)[^/]+/, `$1${hidden}`)
  if (query === undefined) return told
  const parameters = query.split('&').map((each) => {
    const [name = ''] = each.split('=', 1)
    return isSecret(name) && each.includes('=') ? `${name}=${hidden}` : each
  })
  return `${told}?${parameters.join('&')}`
}
