/**
 * Regular expressions that clients write, who expect Python's `re`: the same in JavaScript. Two things are only alike: an atomic group and a possessive
 * quantifier may give back what they took, and of a conditional group all is tried.
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
  throw new SyntaxError('no regular expression of Python')
}

const endOfText = '(?![\\s\\S])'
const anchors: Readonly<Record<string, string>> = { A: '(?<![\\s\\S])', Z: endOfText, z: endOfText, b: '\\b', B: '\\B' }
const sets = 'dDsSwW'
const control = 'fnrtv'

/** What a class or an escape stands for: one character, or a set of them, as JavaScript writes it. */
interface Item {
  readonly text: string
  readonly isSet: boolean
}

/** What a part of an expression is to a quantifier after it. */
type Kind = 'open' | 'place' | 'item' | 'repeat'

interface Part {
  readonly text: string
  readonly kind: Kind
}

const item = (text: string): Part => ({ text, kind: 'item' })
const place = (text: string): Part => ({ text, kind: 'place' })
const open = (text: string): Part => ({ text, kind: 'open' })

class Translation {
  readonly #source: string
  readonly #names = new Set<string>()
  #at = 0
  #groups = 0
  #flags = ''

  constructor(source: string) {
    this.#source = source
  }

  whole(): RegExp {
    for (let flags = this.#take(/\(\?[aimsux]+\)/y); flags; flags = this.#take(/\(\?[aimsux]+\)/y))
      this.#flags += flags.replace(/[^ims]/g, '')
    let out = ''
    // Only something can be repeated, and only once
    let before: Kind = 'open'
    while (this.#at < this.#source.length) {
      if (this.#take(/\(\?#[^)]*\)/y) !== undefined) continue
      const quantifier = this.#quantifier()
      const part: Part = quantifier === undefined ? this.#part() : { text: quantifier, kind: 'repeat' }
      if (quantifier !== undefined && before !== 'item') refuse()
      out += part.text
      before = part.kind
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
    const simple = this.#take(/[*+?]/y)
    const counted = simple ? undefined : this.#take(/\{(?:\d+(?:,\d*)?|,\d*)\}/y)
    if (!simple && !counted) return undefined
    const suffix = this.#take(/[?+]/y)
    return `${simple ?? counted!.replace('{,', '{0,')}${suffix === '?' ? '?' : ''}`
  }

  #part(): Part {
    const char = this.#source[this.#at]!
    if (char === '(') return this.#group()
    this.#at++
    if (char === '[') return item(this.#class())
    if (char === '\\') return this.#escape()
    if (char === '$') return place(this.#flags.includes('m') ? '$' : `(?=\\n?${endOfText})`)
    if (char === '^') return place(char)
    if (char === '|') return open(char)
    return item(/[{}\]]/.test(char) ? `\\${char}` : char)
  }

  #group(): Part {
    const plain = this.#take(/\((?!\?)/y)
    if (plain) {
      this.#groups++
      return open(plain)
    }
    const name = this.#take(/\(\?P<[\p{L}_][\p{L}\p{N}_]*>/uy)?.slice(4, -1)
    if (name !== undefined) {
      if (this.#names.has(name)) refuse()
      this.#names.add(name)
      this.#groups++
      return open(`(?<${name}>`)
    }
    const known = this.#take(/\(\?P=\w+\)/y)?.slice(4, -1)
    if (known !== undefined) return this.#names.has(known) ? item(`(?:\\k<${known}>)`) : refuse()
    const inner = this.#take(/\(\?(?:[:=!>]|<[=!]|\(\w+\)|[aimsux]*(?:-[imsx]+)?:)/y)
    if (inner === undefined) return refuse()
    return open(/[:=!]$/.test(inner) ? inner.replace(/[aux]/g, '').replace('-:', ':') : '(?:')
  }

  /** Outside of classes. */
  #escape(): Part {
    const char = this.#source[this.#at] ?? ''
    if (anchors[char]) {
      this.#at++
      return place(anchors[char])
    }
    const reference = /[1-9]/.test(char) && !/^[0-3][0-7]{2}/.test(this.#source.slice(this.#at)) ? this.#take(/\d\d?/y) : undefined
    if (reference !== undefined) return Number(reference) <= this.#groups ? item(`(?:\\${reference})`) : refuse()
    return item(this.#escaped().text)
  }

  /** What means the same in classes. */
  #escaped(): Item {
    const char = this.#source[this.#at++] ?? refuse()
    const one = (code: number): Item => ({ text: code > 0xffff ? String.fromCodePoint(code) : hex(code), isSet: false })
    if (sets.includes(char)) return { text: `\\${char}`, isSet: true }
    if (control.includes(char)) return { text: `\\${char}`, isSet: false }
    if (char === 'a') return one(7)
    const digits = { x: /[0-9a-f]{2}/iy, u: /[0-9a-f]{4}/iy, U: /[0-9a-f]{8}/iy }[char]
    if (digits) return one(Number.parseInt(this.#take(digits) ?? refuse(), 16))
    if (/[0-7]/.test(char)) {
      const octal = char + (this.#take(/[0-7]{0,2}/y) ?? '')
      return Number.parseInt(octal, 8) > 0o377 ? refuse() : one(Number.parseInt(octal, 8))
    }
    if (/[a-z0-9]/i.test(char)) return refuse()
    return one(char.codePointAt(0)!)
  }

  /** After its bracket. */
  #class(): string {
    let out = this.#take(/\^/y) ? '[^' : '['
    for (let first = true; first || this.#source[this.#at] !== ']'; first = false) {
      const from = this.#member()
      if (!/^-[^\]]/.test(this.#source.slice(this.#at))) {
        out += from.text
        continue
      }
      this.#at++
      const to = this.#member()
      if (from.isSet || to.isSet) refuse()
      out += `${from.text}-${to.text}`
    }
    this.#at++
    return `${out}]`
  }

  #member(): Item {
    if (this.#at >= this.#source.length) refuse()
    const char = this.#source[this.#at]!
    if (char === '\\') {
      this.#at++
      if (this.#source[this.#at] !== 'b') return this.#escaped()
      this.#at++
      return { text: '\\b', isSet: false }
    }
    this.#at++
    return { text: /[\]\\^[-]/.test(char) ? `\\${char}` : char, isSet: false }
  }
}

const hex = (code: number): string => `\\u${code.toString(16).padStart(4, '0')}`
