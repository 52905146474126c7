/** Whether Python's `re` compiles a pattern: the format `regex` of Nova's schemas. What it finds is the business of python-regexp.ts and of databases. */

/** Throws nothing: a pattern is one or is none. */
export function isPythonRegExp(pattern: string): boolean {
  try {
    new Pattern(pattern).read()
    return true
  } catch (error) {
    if (error instanceof Invalid) return false
    throw error
  }
}

class Invalid extends Error {}

const refuse = (why: string): never => {
  throw new Invalid(why)
}

/** Least and most characters that something matches. */
interface Width {
  readonly least: number
  readonly most: number
}

/** What was read, as far as it decides whether it may be repeated. */
interface Item extends Width {
  readonly kind: 'place' | 'repeat' | 'other'
}

const one: Item = { kind: 'other', least: 1, most: 1 }
const none: Item = { kind: 'other', least: 0, most: 0 }
const place: Item = { ...none, kind: 'place' }
const largest = 2 ** 32 - 1

/** Python's Lib/re/_parser.py, 3.11 to 3.13. */
class Pattern {
  readonly #chars: readonly string[]
  #at = 0
  /** By number; undefined while a group is open. */
  readonly #groups: (Width | undefined)[] = [{ least: 0, most: largest }]
  readonly #names = new Map<string, number>()
  /** Groups that conditions name before they are there. */
  readonly #awaited: number[] = []

  constructor(pattern: string) {
    this.#chars = [...pattern]
  }

  read(): void {
    this.#alternatives(true)
    if (this.#at < this.#chars.length) refuse('unbalanced parenthesis')
    if (this.#awaited.some((group) => group >= this.#groups.length)) refuse('invalid group reference')
  }

  #peek(): string | undefined {
    return this.#chars[this.#at]
  }

  #next(): string {
    return this.#chars[this.#at++] ?? refuse('unexpected end')
  }

  #take(char: string): boolean {
    if (this.#peek() !== char) return false
    this.#at++
    return true
  }

  #while(allowed: RegExp, most = Number.POSITIVE_INFINITY): string {
    let text = ''
    while (text.length < most && allowed.test(this.#peek() ?? '')) text += this.#next()
    return text
  }

  #until(end: string): string {
    let text = ''
    while (!this.#take(end)) text += this.#next()
    return text === '' ? refuse('missing name') : text
  }

  #alternatives(first = false): Width {
    let width = this.#sequence(first)
    while (this.#take('|')) {
      const other = this.#sequence(false)
      width = { least: Math.min(width.least, other.least), most: Math.max(width.most, other.most) }
    }
    return width
  }

  #sequence(first: boolean): Width {
    const items: Item[] = []
    while (this.#at < this.#chars.length && this.#peek() !== '|' && this.#peek() !== ')') {
      const char = this.#next()
      const times = this.#repeat(char)
      if (times) {
        const item = items.pop()
        if (!item || item.kind === 'place') refuse('nothing to repeat')
        if (item!.kind === 'repeat') refuse('multiple repeat')
        if (!this.#take('?')) this.#take('+')
        items.push({ kind: 'repeat', least: item!.least * times.least, most: Math.min(item!.most * times.most, largest) })
      } else {
        const item = this.#item(char, first && items.length === 0)
        if (item) items.push(item)
      }
    }
    return {
      least: items.reduce((sum, { least }) => sum + least, 0),
      most: Math.min(
        items.reduce((sum, { most }) => sum + most, 0),
        largest,
      ),
    }
  }

  /** How often, when the character begins a repetition. Braces that hold no numbers are characters. */
  #repeat(char: string): Width | undefined {
    if (char === '?') return { least: 0, most: 1 }
    if (char === '*') return { least: 0, most: largest }
    if (char === '+') return { least: 1, most: largest }
    if (char !== '{' || this.#peek() === '}') return undefined
    const start = this.#at
    const low = this.#while(/^[0-9]$/)
    const high = this.#take(',') ? this.#while(/^[0-9]$/) : low
    if (!this.#take('}')) {
      this.#at = start
      return undefined
    }
    const [least, most] = [low === '' ? 0 : Number(low), high === '' ? largest : Number(high)]
    if ((low !== '' && least >= largest) || (high !== '' && most >= largest) || most < least) refuse('bad repetition')
    return { least, most }
  }

  /** Undefined for what is nothing in itself: comments, and flags for all of the pattern. */
  #item(char: string, isStart: boolean): Item | undefined {
    switch (char) {
      case '\\':
        return this.#escape()
      case '[':
        return this.#set()
      case '(':
        return this.#group(isStart)
      case '^':
      case '$':
        return place
      default:
        return one
    }
  }

  #escape(): Item {
    const char = this.#next()
    if ('AbBZ'.includes(char)) return place
    if ('dDsSwWafnrtv'.includes(char)) return one
    if (this.#code(char)) return one
    if (char === '0') {
      this.#while(/^[0-7]$/, 2)
      return one
    }
    if (/^[1-9]$/.test(char)) return this.#reference(char)
    return /^[a-zA-Z]$/.test(char) ? refuse('bad escape') : one
  }

  /** Whether it was a character by its number or name. */
  #code(char: string): boolean {
    const digits = { x: 2, u: 4, U: 8 }[char]
    if (digits !== undefined) {
      const hex = this.#while(/^[0-9a-fA-F]$/, digits)
      if (hex.length < digits || Number.parseInt(hex, 16) > 0x10ffff) refuse('incomplete escape')
      return true
    }
    if (char !== 'N') return false
    if (!this.#take('{')) refuse('missing {')
    if (!/^[A-Z0-9 -]+$/i.test(this.#until('}'))) refuse('undefined character name')
    return true
  }

  #reference(first: string): Item {
    let digits = first
    if (/^[0-9]$/.test(this.#peek() ?? '')) {
      digits += this.#next()
      if (/^[0-7]{2}$/.test(digits) && /^[0-7]$/.test(this.#peek() ?? ''))
        return Number.parseInt(digits + this.#next(), 8) > 0o377 ? refuse('octal escape') : one
    }
    return this.#referred(Number(digits))
  }

  #referred(group: number): Item {
    if (group >= this.#groups.length) refuse('invalid group reference')
    const width = this.#groups[group]
    return width ? { kind: 'other', ...width } : refuse('cannot refer to an open group')
  }

  #set(): Item {
    this.#take('^')
    for (let count = 0; ; count++) {
      const char = this.#next()
      if (char === ']' && count > 0) return one
      const low = this.#inSet(char)
      if (!this.#take('-')) continue
      const end = this.#next()
      if (end === ']') return one
      const high = this.#inSet(end)
      if (low === undefined || high === undefined || high < low) refuse('bad character range')
    }
  }

  /** The number of a character in a set; undefined of a class. */
  #inSet(char: string): number | undefined {
    if (char !== '\\') return char.codePointAt(0)
    const escaped = this.#next()
    if ('dDsSwW'.includes(escaped)) return undefined
    const plain = 'abfnrtv'.indexOf(escaped)
    if (plain >= 0) return [7, 8, 12, 10, 13, 9, 11][plain]
    const start = this.#at
    if (this.#code(escaped)) {
      const text = this.#chars.slice(start, this.#at).join('')
      return escaped === 'N' ? 0 : Number.parseInt(text, 16)
    }
    if (/^[0-7]$/.test(escaped)) {
      const code = Number.parseInt(escaped + this.#while(/^[0-7]$/, 2), 8)
      return code > 0o377 ? refuse('octal escape') : code
    }
    return /^[a-zA-Z89]$/.test(escaped) ? refuse('bad escape') : escaped.codePointAt(0)
  }

  #group(isStart: boolean): Item | undefined {
    if (!this.#take('?')) return this.#captured()
    const char = this.#next()
    if (char === 'P') return this.#named()
    if (char === '#') {
      while (this.#next() !== ')');
      return undefined
    }
    if (char === '(') return this.#condition()
    if (char === '<') {
      if (!'=!'.includes(this.#next())) refuse('unknown extension')
      const { least, most } = this.#closed()
      return least === most ? none : refuse('look-behind requires fixed-width pattern')
    }
    if (char === '=' || char === '!') {
      this.#closed()
      return none
    }
    if (char === ':' || char === '>') return { kind: 'other', ...this.#closed() }
    return this.#flags(char, isStart)
  }

  /** What is between here and the closing parenthesis. */
  #closed(): Width {
    const width = this.#alternatives()
    if (!this.#take(')')) refuse('missing )')
    return width
  }

  #captured(name?: string): Item {
    const group = this.#groups.push(undefined) - 1
    if (name !== undefined) {
      if (this.#names.has(name)) refuse('redefinition of group name')
      this.#names.set(name, group)
    }
    const width = this.#closed()
    this.#groups[group] = width
    return { kind: 'other', ...width }
  }

  #named(): Item {
    if (this.#take('<')) return this.#captured(identifier(this.#until('>')))
    if (!this.#take('=')) refuse('unknown extension')
    return this.#referred(this.#names.get(identifier(this.#until(')'))) ?? refuse('unknown group name'))
  }

  #condition(): Item {
    const name = this.#until(')')
    if (/^[0-9]+$/.test(name)) {
      if (Number(name) === 0) refuse('bad group number')
      this.#awaited.push(Number(name))
    } else if (!this.#names.has(identifier(name))) refuse('unknown group name')
    const yes = this.#sequence(false)
    const no = this.#take('|') ? this.#sequence(false) : none
    if (this.#peek() === '|') refuse('conditional backref with more than two branches')
    if (!this.#take(')')) refuse('missing )')
    return { kind: 'other', least: Math.min(yes.least, no.least), most: Math.max(yes.most, no.most) }
  }

  #flags(first: string, isStart: boolean): Item | undefined {
    const on = first === '-' ? '' : first + this.#while(/^[a-zA-Z]$/)
    if (!/^[imsxau]*$/.test(on) || (on.includes('a') && on.includes('u'))) refuse('bad inline flags')
    if (first !== '-' && this.#take(')')) return isStart ? undefined : refuse('global flags not at the start of the expression')
    if (first === '-' || this.#take('-')) {
      const off = this.#while(/^[a-zA-Z]$/)
      if (!/^[imsx]+$/.test(off) || [...off].some((flag) => on.includes(flag))) refuse('bad inline flags')
    }
    if (!this.#take(':')) refuse('missing :')
    return { kind: 'other', ...this.#closed() }
  }
}

const identifier = (name: string): string => (/^[\p{L}_][\p{L}\p{N}_]*$/u.test(name) ? name : refuse('bad character in group name'))
