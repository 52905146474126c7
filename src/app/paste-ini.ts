/** The ini dialect of paste.deploy: Python's configparser, with `%(name)s`, a DEFAULT section and keys in the case they have. */
import { dirname } from 'node:path'

/** What is wrong with a paste file: which file, which section, and what there would be. */
export class PasteError extends Error {
  override readonly name = 'PasteError'
  readonly file: string
  readonly section: string | undefined
  constructor(reason: string, { file, section, cause }: { file: string; section?: string | undefined; cause?: unknown }) {
    super(`${file}: ${section === undefined ? '' : `[${section}] `}${reason}`, { cause })
    this.file = file
    this.section = section
  }
}

export interface PasteFile {
  readonly file: string
  /** Names of all sections but DEFAULT, in order. */
  readonly sections: readonly string[]
  /** What DEFAULT holds, `here` and `__file__` with it. */
  readonly defaults: ReadonlyMap<string, string>
  /** Names and values that stand in a section itself. Throws `PasteError` when a value refers to nothing. */
  own(section: string): [name: string, value: string][]
}

type Raw = Map<string, string>

/** Parses a paste file; `inherited` are defaults of the file that refers to it. Throws `PasteError` with the line. */
export function parsePasteIni(text: string, file: string, inherited: ReadonlyMap<string, string> = new Map()): PasteFile {
  const { sections, defaults } = parse(text, file)
  const known: Raw = new Map([['here', dirname(file)], ['__file__', file], ...defaults])
  for (const [name, value] of inherited) if (!known.has(name)) known.set(name, value)
  return {
    file,
    sections: [...sections.keys()],
    defaults: new Map([...known].map(([name, value]) => [name, interpolate(value, known, { file, section: 'DEFAULT' })])),
    own(section) {
      const own = sections.get(section)!
      const visible: Raw = new Map([...known, ...own])
      return [...own].map(([name, value]) => [name, interpolate(value, visible, { file, section })])
    },
  }
}

function parse(text: string, file: string): { sections: Map<string, Raw>; defaults: Raw } {
  const sections = new Map<string, Raw>()
  const defaults: Raw = new Map()
  let section: Raw | undefined
  let name = ''
  let open: { key: string; lines: string[] } | undefined
  let indent = 0

  const close = () => {
    if (open) section!.set(open.key, open.lines.join('\n').trimEnd())
    open = undefined
  }
  const header = (header: string, place: string) => {
    name = header
    if (header === 'DEFAULT') section = defaults
    else if (sections.has(header)) throw new PasteError(`${place}: the section stands twice`, { file, section: header })
    else sections.set(header, (section = new Map()))
  }
  for (const [index, line] of text.split(/\r\n|\r|\n/).entries()) {
    const place = `line ${index + 1}`
    const content = line.trim()
    if (content.startsWith('#') || content.startsWith(';')) continue
    if (content === '') {
      open?.lines.push('')
      continue
    }
    const depth = line.search(/\S/)
    if (open && depth > indent) {
      open.lines.push(content)
      continue
    }
    close()
    indent = depth
    const found = /^\[(.+)\]/.exec(content)
    if (found) {
      header(found[1]!, place)
      continue
    }
    if (!section) throw new PasteError(`${place}: an assignment stands before the first section`, { file })
    const [, key, value] = /^(.*?)\s*[=:]\s*(.*)$/.exec(content) ?? []
    if (!key) throw new PasteError(`${place}: '${content}' is no assignment`, { file, section: name })
    if (section.has(key)) throw new PasteError(`${place}: '${key}' stands twice`, { file, section: name })
    // In its place at once: a second one with the same name must be noticed.
    section.set(key, '')
    open = { key, lines: [value!.trim()] }
  }
  close()
  return { sections, defaults }
}

/** `%(name)s` and `%%`, up to ten deep as configparser does; any other percent sign is refused. */
function interpolate(value: string, known: Raw, at: { file: string; section: string }, depth = 0): string {
  if (!value.includes('%')) return value
  if (depth > 10) throw new PasteError(`'${value}' leads back to itself`, at)
  return value.replace(/%(?:%|\(([^)]+)\)s)?/g, (token, name: string | undefined) => {
    if (token === '%%') return '%'
    if (name === undefined) throw new PasteError(`a % in '${value}' is neither %% nor %(name)s`, at)
    const found = known.get(name)
    if (found === undefined) throw new PasteError(`'${value}' refers to '${name}', which stands nowhere`, at)
    return interpolate(found, known, at, depth + 1)
  })
}
