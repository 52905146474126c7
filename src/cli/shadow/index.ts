/** `nova-ts shadow`: what ours would have answered, beside a nova-api that clients use. */
import { fileSink, streamSink } from '../../oslo/log-sink.ts'
import { moving, unordered } from '../../shadow/compare/allowances.ts'
import { comparedHeaders } from '../../shadow/compare/answers.ts'
import { type Summary, summaryText } from '../../shadow/report.ts'
import { type Shadow, startShadow } from '../../shadow/shadow.ts'
import { type Command, Refusal, type Terminal } from '../usage.ts'
import { describeShadowFlags, readShadowLine } from './flags.ts'

const help = `nova-ts shadow: compares a nova-api that is in use with another one, without anybody noticing

  nova-ts shadow --listen 0.0.0.0:28774 --to http://nova-api:8774 --compare http://127.0.0.1:18774 --report differences.jsonl

Every request goes to the real nova-api (--to), and its answer goes back unchanged. Reads (GET and HEAD) are asked of the other one (--compare) too,
afterwards and with the same token and microversion; where it answers something else, a line of JSON says what. Nothing that changes anything is mirrored.

${describeShadowFlags()}

SIGUSR1 tells the counts so far on standard error, SIGTERM ends. Status 0 when all answers compared were the same, 4 when some were not or were not
given, 3 when there was none, 1 when it could not run.
`

/** Runs until it is told to end. */
export const shadow: Command = async (argv, terminal) => {
  if (argv.length === 0 || argv.includes('--help') || argv.includes('-h')) {
    terminal.out(help)
    return argv.length === 0 ? 2 : 0
  }
  const settings = readShadowLine(argv)
  if (!settings) {
    terminal.out(rules())
    return 0
  }
  const report = settings.report === null ? streamSink(process.stdout) : openReport(settings.report)
  const write = (line: string) => report.write(line)
  const warn = (text: string) => terminal.err(`nova-ts: ${text}\n`)
  const running = await startShadow({ settings, write, warn }).catch((error: Error) => {
    throw new Refusal(error.message, { cause: error })
  })
  terminal.err(
    `nova-ts: ${running.address} forwards to ${settings.real.origin} and compares with ${settings.ours.origin}, as process ${process.pid}\n`,
  )
  const summary = await untilTold(running, terminal)
  write(`${JSON.stringify(summary)}\n`)
  terminal.err(summaryText(summary))
  // not to be held up by what a second signal has left open
  process.exit(statusOf(summary))
}

function openReport(path: string) {
  try {
    return fileSink(path, streamSink(process.stdout))
  } catch (error) {
    throw new Refusal(`--report: ${path} cannot be written (${(error as NodeJS.ErrnoException).code})`, { cause: error })
  }
}

/** A second signal does not wait. */
function untilTold(running: Shadow, terminal: Terminal): Promise<Summary> {
  return new Promise((resolve) => {
    let asked = false
    const stop = () => {
      if (asked) return resolve(running.summary())
      asked = true
      running.stop().then(resolve)
    }
    process.on('SIGTERM', stop).on('SIGINT', stop)
    // left alone, Node would open its debugger
    process.on('SIGUSR1', () => terminal.err(summaryText(running.summary())))
    // those who roll logs send it; the report follows its file by itself
    process.on('SIGHUP', () => undefined)
  })
}

function statusOf({ counts }: Summary): number {
  if (counts.different + counts.unanswered > 0) return 4
  return counts.compared > 0 ? 0 : 3
}

/** What the comparison allows, told openly. */
function rules(): string {
  const place = (route: RegExp) =>
    route.source.replaceAll('\\', '').replace(/^\^/, '').replace(/\$$/, '').replaceAll('[^/]+', '*').replaceAll('(?:', '(')
  const lines = (rows: readonly (readonly [string, string, string])[]) => {
    const width = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]!.length)))
    return rows.map(([a, b, c]) => `  ${a.padEnd(width[0]!)}  ${b.padEnd(width[1]!)}  ${c}`).join('\n')
  }
  return `Compared: the status, the body, and the headers ${comparedHeaders.join(', ')}.
In links (href, Location) the path and the query are compared, not the host. Vary and Allow are sets. Bodies of JSON are compared member by member,
others byte by byte.

Lists whose order Nova does not define:

${lines(unordered.map(({ route, name, why }) => [place(route), name, why] as const))}

Values that move by themselves: "close" allows one percent or 2, and two minutes; "kind" compares only whether it is a text, a number and so on.

${lines(moving.map(({ route, name, compare, why }) => [place(route), name, `${compare}: ${why}`] as const))}
`
}
