/** oslo.config's dialect of ini files: what a file assigns, with the line of each assignment. */
import { ConfigError } from './error.ts'

export interface Assignment {
  readonly text: string
  readonly line: number
}

/** Group, then option, then every assignment in order. Group names are in lower case, except DEFAULT. */
export type Sections = ReadonlyMap<string, ReadonlyMap<string, readonly Assignment[]>>

/** `[Neutron]` and `[neutron]` are one group; `[default]` is not `[DEFAULT]` (oslo_config/cfg.py _normalize_group_name). */
export const groupName = (name: string): string => (name === 'DEFAULT' ? name : name.toLowerCase())

/** Parses the text of a file. A line that is neither section, comment, assignment nor continuation is refused with its number. */
export function parseIni(text: string, file: string): Sections {
  const sections = new Map<string, Map<string, Assignment[]>>()
  let section: Map<string, Assignment[]> | undefined
  let open: { key: string; lines: string[]; line: number } | undefined

  const refuse = (line: number, reason: string): never => {
    throw new ConfigError(reason, { place: { kind: 'file', file, line } })
  }
  const close = () => {
    if (!open) return
    if (!section) refuse(open.line, 'an assignment stands before the first section')
    const before = section!.get(open.key)
    const assignment = { text: open.lines.join('\n'), line: open.line }
    if (before) before.push(assignment)
    else section!.set(open.key, [assignment])
    open = undefined
  }

  // oslo.config refuses it too, with words in which it cannot be seen
  if (text.startsWith('\ufeff')) refuse(1, 'the file begins with a byte order mark (U+FEFF): save it as UTF-8 without one')
  for (const [index, raw] of text.split(/\r\n|\r|\n/).entries()) {
    const number = index + 1
    const line = raw.trimEnd()
    if (line === '') close()
    else if (line.startsWith(' ') || line.startsWith('\t')) {
      if (open) open.lines.push(line.trimStart())
      else refuse(number, 'a continuation line follows no assignment')
    } else {
      close()
      if (line.startsWith('[')) section = sectionOf(sections, line, (reason) => refuse(number, reason))
      else if (!line.startsWith('#') && !line.startsWith(';')) {
        const [key, value] = splitAssignment(line) ?? refuse(number, 'neither a section nor an assignment: no ":" and no "="')
        if (key === '') refuse(number, 'an assignment without a name')
        open = { key, lines: [value], line: number }
      }
    }
  }
  close()
  return sections
}

function sectionOf(sections: Map<string, Map<string, Assignment[]>>, line: string, refuse: (reason: string) => never) {
  if (!line.endsWith(']')) refuse('a section must end with "]"')
  if (line.length <= 2) refuse('a section without a name')
  const name = groupName(line.slice(1, -1))
  const known = sections.get(name) ?? new Map<string, Assignment[]>()
  sections.set(name, known)
  return known
}

/** Splits at the first ":" or "="; quotes around the whole value are dropped. */
function splitAssignment(line: string): [key: string, value: string] | undefined {
  const at = line.search(/[:=]/)
  if (at < 0) return undefined
  const value = line.slice(at + 1).trim()
  // oslo_config/iniparser.py: the same quote first and last; a lone quote is dropped as well
  const quoted = value !== '' && value[0] === value.at(-1) && (value[0] === '"' || value[0] === "'")
  return [line.slice(0, at).trim(), quoted ? value.slice(1, -1) : value]
}
