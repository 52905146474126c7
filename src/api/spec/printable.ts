/**
 * Nova's idea of a printable character: not of Unicode's "other" categories and no separator except the plain spaces, within the basic plane
 * (nova/api/validation/parameter_types.py _build_regex_range). Built when first asked for: it takes a few milliseconds.
 */

interface RangeRules {
  /** Whether spaces count. */
  readonly spaces: boolean
  /** A character that does not count. */
  readonly except?: string
}

const other = /[\p{C}\p{Zl}\p{Zp}]/u
const space = /\p{Zs}/u

/** Escapes as Python's re.escape does inside a class. */
const escaped = (char: string): string => (/[A-Za-z0-9_\u0080-\uffff]/.test(char) || '!"%\',/:;<=>@`'.includes(char) ? char : `\\${char}`)

const held = new Map<string, string>()

/** The inside of a character class, in the form that Nova writes it. */
export function printableRange({ spaces, except }: RangeRules): string {
  const key = `${spaces}${except}`
  let range = held.get(key)
  if (range === undefined) held.set(key, (range = build(spaces, except)))
  return range
}

function build(spaces: boolean, except: string | undefined): string {
  let out = ''
  let first = ''
  let last = ''
  for (let code = 0; code < 0xffff; code++) {
    const char = String.fromCharCode(code)
    const counts = char !== except && !other.test(char) && (spaces || !space.test(char))
    if (counts && first === '') out += escaped((first = char))
    else if (!counts && first !== '') {
      if (last !== first) out += `-${escaped(last)}`
      first = ''
    }
    last = char
  }
  return out
}

/** Any number of printable characters. */
export const printablePattern = (): string => `^[${printableRange({ spaces: true })}]*$`
