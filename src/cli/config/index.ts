/** `nova-ts config check`: what this implementation makes of an operator's nova.conf and api-paste.ini. */
import { existsSync } from 'node:fs'
import { wsgiConfigFiles } from '../../oslo/config/sources.ts'
import { configurationFlagNames, configurationFlags, configurationHelp, readConfiguration, refusing } from '../configuration.ts'
import { meant } from '../parse.ts'
import { type Command, UsageError } from '../usage.ts'
import { checkConfiguration, type Finding, type Outcome } from './check.ts'

const help = `nova-ts config check: which options of nova.conf are honoured, which are ignored and why that is safe, which are refused

  --paste-file FILE       also compose both services from this api-paste.ini (else the first of OS_NOVA_CONFIG_FILES, when it is there)
  --json                  for programs
${configurationHelp}
Status 1 when the services would not start with it, 0 otherwise.
`

export const config: Command = async ([verb, ...argv], terminal) => {
  if (verb === undefined || [verb, ...argv].some((word) => word === '--help' || word === '-h')) {
    terminal.out(help)
    return verb === undefined ? 2 : 0
  }
  if (verb !== 'check') throw new UsageError(`there is no command config ${verb}; there is check`)
  const { files, rest } = configurationFlags(argv)
  const { json, paste } = flagsOf(rest)
  const sources = await readConfiguration(files, terminal)
  const [usual] = wsgiConfigFiles(terminal.env)
  const pasteFile = paste ?? (existsSync(usual) ? usual : undefined)
  const findings = await refusing(() => checkConfiguration(sources, terminal.env, pasteFile))
  terminal.out(json ? `${JSON.stringify(findings, null, 2)}\n` : report(sources.files, pasteFile, findings))
  return startable(findings) ? 0 : 1
}

const startable = (findings: readonly Finding[]): boolean => findings.every(({ outcome }) => outcome !== 'refused')

function flagsOf(argv: readonly string[]): { json: boolean; paste: string | undefined } {
  let json = false
  let paste: string | undefined
  for (let i = 0; i < argv.length; i++) {
    const [flag, value] = argv[i]!.split(/=(.*)/s)
    if (flag === '--json') json = true
    else if (flag === '--paste-file') {
      paste = value ?? argv[++i]
      if (paste === undefined) throw new UsageError('--paste-file wants a value')
    } else
      throw new UsageError(
        `config check does not know ${argv[i]}${meant(flag!, ['--json', '--paste-file', '--help', ...configurationFlagNames])}`,
      )
  }
  return { json, paste }
}

const titles: Readonly<Record<Outcome, string>> = {
  refused: 'Refused: the services do not start with these',
  different: 'Different from Nova’s own API',
  unknown: 'Unknown',
  ignored: 'Ignored, which is safe',
  honoured: 'Honoured',
}

function report(files: readonly string[], pasteFile: string | undefined, findings: readonly Finding[]): string {
  const read = [...new Set([...(pasteFile ? [pasteFile] : []), ...files])]
  const parts = [`${read.join('\n')}\n`]
  for (const [outcome, title] of Object.entries(titles)) {
    const those = findings.filter((each) => each.outcome === outcome)
    if (those.length > 0)
      parts.push(`${title} (${those.length})\n${outcome === 'honoured' || outcome === 'ignored' ? byGroup(those) : oneByOne(those)}`)
  }
  return [...parts, summary(findings)].join('\n')
}

/** `3 honoured, 2 ignored, 0 refused: the services start with this (exit status 0).` */
function summary(findings: readonly Finding[]): string {
  const count = (wanted: Outcome) => findings.filter(({ outcome }) => outcome === wanted).length
  const told = counted.filter((outcome) => always.has(outcome) || count(outcome) > 0).map((outcome) => `${count(outcome)} ${outcome}`)
  return `${told.join(', ')}: the services ${startable(findings) ? 'start with this (exit status 0)' : 'do not start with this (exit status 1)'}.\n`
}

const counted: readonly Outcome[] = ['honoured', 'ignored', 'different', 'unknown', 'refused']
const always: ReadonlySet<Outcome> = new Set(['honoured', 'ignored', 'refused'])

const oneByOne = (findings: readonly Finding[]): string =>
  findings.map(({ group, name, place, why }) => `  ${place}: [${group}]${name && ` ${name}`}: ${why}\n`).join('')

function byGroup(findings: readonly Finding[]): string {
  const groups = Map.groupBy(findings, ({ group }) => group)
  return [...groups]
    .map(([group, those]) => {
      const names = [...new Set(those.map(({ name }) => name))].join(', ')
      return `  [${group}] ${names}${those[0]!.why && `\n      ${those[0]!.why}`}\n`
    })
    .join('')
}
