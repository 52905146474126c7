/**
 * Regular expressions that clients write, who expect Python's `re`: the same in JavaScript. Three things are only alike: an atomic group and a possessive
 * quantifier may give back what they took, of a conditional group all is tried, and under the flag `x` white space counts.
 */
import { isPythonRegExp } from './python-syntax.ts'

/** Undefined where Python would refuse, and for characters by name. It finds as `re.search` does. */
export function fromPython(pattern: string): RegExp | undefined {
  if (!isPythonRegExp(pattern)) return undefined
  try {
    return new Translation(pattern).whole()
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

const refuse = (): never => {
  throw new SyntaxError('nothing in JavaScript says this')
}

const endOfText = '(?![\\s\\S])'
const anchors: Readonly<Record<string, string>> = { A: '(?<![\\s\\S])', Z: endOfText, b: '\\b', B: '\\B' }
/** Classes and control characters, which both write alike. */
const same = 'dDsSwWfnrtv'

/** Of what Python takes, so that only what JavaScript lacks is refused. */
class Translation {
  readonly #source: string
  #at = 0
  #flags = ''

  constructor(source: string) {
    this.#source = source
  }

  whole(): RegExp {
    let out = ''
    while (this.#at < this.#source.length) {
      if (this.#take(/\(\?#[^)]*\)/y) !== undefined) continue
      const flags = this.#take(/\(\?[aimsux]+\)/y)
      if (flags === undefined) out += this.#quantifier() ?? this.#part()
      else this.#flags += flags.replace(/[^ims]/g, '')
    }
    return new RegExp(out, [...new Set(this.#flags)].join(''))
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#source)?.[0]
    if (found !== undefined) this.#at += found.length
    return found
  }

  #quantifier(): string | undefined {
    const times = this.#take(/[*+?]/y) ?? this.#take(/\{(?:\d+(?:,\d*)?|,\d*)\}/y)
    if (times === undefined) return undefined
    const suffix = this.#take(/[?+]/y)
    return `${times.replace('{,', '{0,')}${suffix === '?' ? '?' : ''}`
  }

  #part(): string {
    const char = this.#source[this.#at]!
    if (char === '(') return this.#group()
    this.#at++
    if (char === '[') return this.#class()
    if (char === '\\') return this.#escape()
    if (char === '$') return this.#flags.includes('m') ? '$' : `(?=\\n?${endOfText})`
    return /[{}\]]/.test(char) ? `\\${char}` : char
  }

  #group(): string {
    const plain = this.#take(/\((?!\?)/y)
    if (plain) return plain
    const name = this.#take(/\(\?P<[^>]+>/y)?.slice(4)
    if (name !== undefined) return `(?<${name}`
    const known = this.#take(/\(\?P=[^)]+\)/y)?.slice(4, -1)
    if (known !== undefined) return `(?:\\k<${known}>)`
    const inner = this.#take(/\(\?(?:[:=!>]|<[=!]|\([^)]+\)|[aimsux]*(?:-[imsx]+)?:)/y) ?? refuse()
    return /[:=!]$/.test(inner) ? inner.replace(/[aux]/g, '').replace('-:', ':') : '(?:'
  }

  /** Outside of classes. */
  #escape(): string {
    const char = this.#source[this.#at] ?? ''
    if (anchors[char]) {
      this.#at++
      return anchors[char]
    }
    const isOctal = /^[0-3][0-7]{2}/.test(this.#source.slice(this.#at))
    const reference = isOctal ? undefined : this.#take(/[1-9]\d?/y)
    return reference === undefined ? this.#escaped() : `(?:\\${reference})`
  }

  /** What means the same in classes. */
  #escaped(): string {
    const char = this.#source[this.#at++]!
    if (same.includes(char)) return `\\${char}`
    if (char === 'a') return character(7)
    const digits = { x: /[0-9a-f]{2}/iy, u: /[0-9a-f]{4}/iy, U: /[0-9a-f]{8}/iy }[char]
    if (digits) return character(Number.parseInt(this.#take(digits)!, 16))
    if (/[0-7]/.test(char)) return character(Number.parseInt(char + this.#take(/[0-7]{0,2}/y), 8))
    return char === 'N' ? refuse() : character(char.charCodeAt(0))
  }

  /** After its bracket. */
  #class(): string {
    let out = this.#take(/\^/y) ? '[^' : '['
    for (let first = true; first || this.#source[this.#at] !== ']'; first = false) {
      out += this.#member()
      const isRange = /^-[^\]]/.test(this.#source.slice(this.#at))
      if (isRange) {
        this.#at++
        out += `-${this.#member()}`
      }
    }
    this.#at++
    return `${out}]`
  }

  #member(): string {
    const char = this.#source[this.#at++]!
    if (char === '\\') return this.#take(/b/y) ? '\\b' : this.#escaped()
    return /[\]\\^[-]/.test(char) ? `\\${char}` : char
  }
}

const character = (code: number): string => (code > 0xffff ? String.fromCodePoint(code) : `\\u${code.toString(16).padStart(4, '0')}`)
