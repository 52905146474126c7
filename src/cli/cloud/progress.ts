/** What people see while a cloud starts, and when it is there. */
import { readFileSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import { type Place, urlOf } from '../../cloud/places.ts'
import { layout } from '../../cloud/state.ts'
import { cloudPrograms } from '../processes/programs.ts'

export const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`

/** A line for each service of a program that has become ready. */
export function readyLines(place: Place, program: string, ms: number): string {
  const serves = cloudPrograms.find(({ name }) => name === program)?.serves ?? []
  const rows = serves.length > 0 ? serves.map((service) => [service, urlOf(place, service)]) : [[program, contentOf(place)]]
  return rows.map(([name, where]) => `  ${name!.padEnd(10)} ${where!.padEnd(32)} ${seconds(ms)}\n`).join('')
}

/** What is in the cells. */
function contentOf({ cells, hosts }: Place): string {
  const each = hosts === 1 ? 'a host' : `${hosts} hosts`
  return cells === 1 ? `conductor, scheduler, ${each}` : `${cells} cells with ${each} each`
}

/** How to go on from here; `npx` finds the command in the project's folder, and in one that the package was installed into. */
export function directions(place: Place, [program, bin]: readonly string[], directory = process.cwd()): string {
  const nova = bin === undefined || !relative(folderOf(bin), directory).startsWith('..') ? 'npx nova-ts' : `${program} ${bin}`
  const { cloudsYaml } = layout(place.state)
  const elsewhere = relative(directory, place.state)
  const state = elsewhere === '.nova-ts' ? '' : ` --state ${elsewhere.startsWith('..') ? place.state : elsewhere}`
  return `
  As the administrator:   eval "$(${nova} cloud openrc${state})"
                          openstack server list
  As the user demo:       export OS_CLIENT_CONFIG_FILE=${cloudsYaml}
                          openstack --os-cloud devstack server list
  Afterwards:             ${nova} cloud status${state}   (or down, or reset)
`
}

function folderOf(bin: string): string {
  const root = join(bin, '..', '..')
  return basename(join(root, '..')) === 'node_modules' ? join(root, '..', '..') : root
}

/** The end of a log file; empty when there is none. */
export function lastLines(path: string, count = 12): string {
  try {
    return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-count).join('\n')
  } catch {
    return ''
  }
}
