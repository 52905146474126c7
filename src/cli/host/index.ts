/** `nova-ts host MODULE`: serves an application. */
import { BadAddress } from '../../hosts/address.ts'
import { becomeServing, frugalHeap, servingArguments } from '../frugal.ts'
import { type Command, Refusal } from '../usage.ts'
import { describeHostFlags, readHostLine } from './flags.ts'

const help = `nova-ts host: serves an application

  nova-ts host nova.wsgi.osapi_compute --listen http://127.0.0.1:8774 --workers 4
  nova-ts host nova.wsgi.metadata --listen uwsgi:/run/nova/metadata.sock --socket-mode 666
  nova-ts host --ini /etc/nova/nova-api-uwsgi.ini
  nova-ts host ./my-application.ts:application -- --config-file /etc/my.conf

A module is one of Nova's two, a path or a package; what it exports as \`application\` (or by default, or behind the colon) is served.
What stands behind -- is for the application, as what a WSGI server leaves in sys.argv.

${describeHostFlags()}

SIGTERM lets requests under way finish, SIGHUP replaces workers one by one and reads certificates again, SIGUSR1 logs how it stands.
`

/** What the names of Nova's two modules stand for: in a bundle, its own. */
const own = {
  'nova-ts/wsgi/osapi_compute': () => import('../../wsgi/osapi_compute.ts'),
  'nova-ts/wsgi/metadata': () => import('../../wsgi/metadata.ts'),
}

/** Runs until it is told to end. */
export const host: Command = async (argv, terminal) => {
  if (argv[0] === '--worker' && process.send) return (await import('../../hosts/worker-process.ts')).runWorker(own)
  if (argv.length === 0 || argv[0] === '--help' || argv[0] === '-h') {
    terminal.out(help)
    return argv.length === 0 ? 2 : 0
  }
  const { settings, notices } = readHostLine(argv, terminal.env)
  for (const notice of notices) terminal.err(`nova-ts: ${notice}\n`)
  const [program, ...first] = terminal.self
  if (settings.workers === 0) becomeServing(terminal.self, ['host', ...argv])
  const { runHost } = await import('../../hosts/host.ts')
  try {
    const workerCommand = { program, args: [...servingArguments(), ...first, 'host', '--worker'], environment: frugalHeap }
    const status = await runHost({ settings, env: terminal.env, workerCommand, own })
    process.exit(status)
  } catch (error) {
    if (error instanceof BadAddress || (error as Error).name === 'NoApplication')
      throw new Refusal((error as Error).message, { cause: error })
    throw new Refusal(`${settings.module}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}
