/** `nova-ts cloud status`: what runs, where, since when. */
import { type Place, serviceNames, urlOf } from '../../cloud/places.ts'
import { isAlive } from '../../cloud/processes.ts'
import { type Roster, type RosterEntry, readRoster } from '../../cloud/roster.ts'
import { layout, rememberedPlace } from '../../cloud/state.ts'
import { cloudPrograms } from '../processes/programs.ts'
import type { Command } from '../usage.ts'
import { noCloudIn, readFlags, stateFlag, stateOf } from './flags.ts'

const flags = { ...stateFlag, json: { type: 'boolean', help: 'For programs.' } } as const

/** As init scripts have it: 0 when all is well, 1 when something is not, 3 when nothing runs. */
export const status: Command = async (argv, terminal) => {
  const said = readFlags(argv, flags, terminal.env)
  const state = stateOf(said)
  const place = rememberedPlace(state)
  if (!place) {
    terminal.err(`nova-ts: ${noCloudIn(state)}\n`)
    return 3
  }
  const roster = readRoster(layout(state))
  const now = roster && present(roster)
  terminal.out(said.flags.json ? `${JSON.stringify(forPrograms(place, now), null, 2)}\n` : forPeople(place, now, Date.now()))
  if (!now) return 3
  return now.programs.every(({ state }) => state === 'ready') ? 0 : 1
}

/** What the roster says, but for processes that were killed together with their supervisor. */
function present(roster: Roster): Roster | undefined {
  const programs = roster.programs.map((one): RosterEntry => {
    const alive = one.process !== null && isAlive(one.process)
    return alive || one.state === 'waiting' ? one : { ...one, state: 'stopped', process: null }
  })
  if (isAlive(roster.supervisor)) return { ...roster, programs }
  return programs.some((one) => one.process) ? { ...roster, programs } : undefined
}

const forPrograms = (place: Place, roster: Roster | undefined) => ({
  state: place.state,
  running: roster !== undefined,
  supervisor: roster && isAlive(roster.supervisor) ? roster.supervisor.pid : null,
  endpoints: Object.fromEntries(serviceNames.map((name) => [name, urlOf(place, name)])),
  processes: (roster?.programs ?? []).map(({ name, state, process, restarts }) => ({ name, state, pid: process?.pid ?? null, restarts })),
})

function forPeople(place: Place, roster: Roster | undefined, now: number): string {
  if (!roster) return `The cloud in ${place.state} is not running.\n`
  const rows = roster.programs.map(({ name, state, process, restarts, at }) => {
    const serves = cloudPrograms.find((program) => program.name === name)?.serves ?? []
    const where = serves.map((service) => `${service} ${place.ports[service]}`).join(', ')
    const again = restarts === 0 ? '' : `, started again ${restarts} ${restarts === 1 ? 'time' : 'times'}`
    return `  ${name.padEnd(13)} ${state.padEnd(9)} ${`pid ${process?.pid ?? '-'}`.padEnd(12)} for ${since(now - at)}${again}${where && `  (${where})`}`
  })
  const watched = isAlive(roster.supervisor) ? `pid ${roster.supervisor.pid}` : 'gone: nova-ts cloud up starts it anew'
  return `${[`The cloud in ${place.state}, on ${place.bind}; supervisor ${watched}`, ...rows].join('\n')}\n`
}

function since(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 120) return `${seconds} s`
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`
}
