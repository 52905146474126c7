/** Turns the text of a setting into the value its option declares, as oslo.config's types do. */
import { isIP } from 'node:net'
import type { Option } from './options.ts'

/** Why a text is no value of an option. */
export class BadValue extends Error {
  override readonly name = 'BadValue'
}

/** The value that `text` stands for; throws `BadValue`. A multi option takes one item at a time: see `toValues`. */
export function toValue(option: Option<unknown>, text: string): unknown {
  switch (option.kind) {
    case 'integer':
    case 'port':
      return toNumber(option, text, /^[+-]?\d+(_\d+)*$/, 'an integer')
    case 'float':
      return toNumber(option, text, /^[+-]?(\d+(_\d+)*(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i, 'a number')
    case 'boolean':
      return toBoolean(text)
    case 'list':
      return toList(option, text)
    case 'map':
      return toMap(text)
    case 'uri':
      if (!/^[a-z][a-z0-9+.-]*:\/\/[^/?#\s]+/i.test(text))
        throw new BadValue(`${shown(option, text)} is not a URI with a scheme and a host`)
      return text
    case 'host':
      if (!isHost(text)) throw new BadValue(`${shown(option, text)} is neither an IP address nor a host name`)
      // oslo_config/types.py Hostname: the dot of the root goes
      return text.replace(/\.$/, '')
    case 'choice':
      return toChoice(option, text)
    case 'text':
    case 'multi':
      if (option.pattern && !option.pattern.test(text)) throw new BadValue(`${shown(option, text)} does not match ${option.pattern.source}`)
      return text
  }
}

/** The value of the given texts: all of them for a multi option, else the last. */
export function toValues(option: Option<unknown>, texts: readonly string[]): unknown {
  return option.kind === 'multi' ? texts.map((text) => toValue(option, text)) : toValue(option, texts.at(-1)!)
}

/** The text as an error may show it: never that of a secret. */
const shown = (option: Option<unknown>, text: string): string => (option.secret ? 'the value' : `'${text}'`)

function toNumber(option: Option<unknown>, text: string, form: RegExp, wanted: string): number | null {
  const trimmed = text.trim()
  if (trimmed === '') {
    // oslo_config/types.py Number: an empty value is None
    if (option.default === null) return null
    throw new BadValue(`an empty value is not ${wanted}`)
  }
  if (!form.test(trimmed)) throw new BadValue(`${shown(option, text)} is not ${wanted}`)
  const value = Number(trimmed.replaceAll('_', ''))
  if (option.min !== undefined && value < option.min) throw new BadValue(`${value} is below ${option.min}, the least it may be`)
  if (option.max !== undefined && value > option.max) throw new BadValue(`${value} is above ${option.max}, the most it may be`)
  return value
}

const booleans: Readonly<Record<string, boolean>> = {
  true: true,
  1: true,
  on: true,
  yes: true,
  false: false,
  0: false,
  off: false,
  no: false,
}

function toBoolean(text: string): boolean {
  const value = Object.hasOwn(booleans, text.toLowerCase()) ? booleans[text.toLowerCase()] : undefined
  if (value === undefined) throw new BadValue(`'${text}' is none of true, false, yes, no, on, off, 1, 0`)
  return value
}

function toChoice(option: Option<unknown>, text: string): string {
  const found = option.choices!.find((choice) => choice === text || (option.ignoreCase && choice.toLowerCase() === text.toLowerCase()))
  if (found === undefined) throw new BadValue(`'${text}' is none of ${option.choices!.join(', ')}`)
  return found
}

function toList(option: Option<unknown>, text: string): string[] {
  const trimmed = text.trim().replace(/,+$/, '')
  const items = trimmed === '' ? [] : trimmed.split(',').map((item) => item.trim())
  if (option.choices) for (const item of items) toChoice(option, item)
  return items
}

function toMap(text: string): Record<string, string> {
  const trimmed = text.trim()
  const out = new Map<string, string>()
  if (trimmed === '') return {}
  let pair: string | undefined
  for (const piece of trimmed.split(',')) {
    // oslo_config/types.py Dict: a piece without a colon belongs to a pair that is not complete yet
    pair = pair === undefined ? piece : `${pair},${piece}`
    const colon = pair.indexOf(':')
    if (colon < 0) continue
    const key = pair.slice(0, colon).trim()
    if (key === '') throw new BadValue('a pair has no name before its colon')
    if (out.has(key)) throw new BadValue(`'${key}' stands twice`)
    out.set(key, pair.slice(colon + 1).trim())
    pair = undefined
  }
  if (pair !== undefined) throw new BadValue(`'${pair}' is not a pair name:value`)
  return Object.fromEntries(out)
}

/** An address, or a name whose last label is not all digits. Underscores pass, as in oslo's HostDomain. */
function isHost(text: string): boolean {
  if (isIP(text) !== 0) return true
  const labels = (text.endsWith('.') ? text.slice(0, -1) : text).split('.')
  return text.length <= 253 && /[a-z-]/i.test(labels.at(-1)!) && labels.every((label) => /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/i.test(label))
}
