/** The log of a process that reads no configuration of Nova's but what it says of logs. */
import type { Place } from '../../cloud/places.ts'
import { layout } from '../../cloud/state.ts'
import { settings } from '../../oslo/config/settings.ts'
import { readSources } from '../../oslo/config/sources.ts'
import { type Logs, logOptions, openLogs } from '../../oslo/log.ts'
import { configurationFiles } from './environment.ts'

export async function programLogs(place: Place): Promise<Logs> {
  const files = configurationFiles(layout(place.state)).slice(1)
  const sources = await readSources({ files, prog: 'nova-ts-cloud', env: process.env, searchIn: [] })
  return openLogs({ settings: settings(logOptions, sources), prog: 'nova-ts-cloud' })
}
