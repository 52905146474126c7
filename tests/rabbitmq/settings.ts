/** The settings that a URL's query gives. */
import { settings } from '../../src/oslo/config/settings.ts'
import { readSources } from '../../src/oslo/config/sources.ts'
import { type RabbitSettings, rabbitOptions } from '../../src/oslo/messaging/rabbit/options.ts'
import { parseTransportUrl } from '../../src/oslo/messaging/transport-url.ts'

const sources = await readSources({ files: [], prog: 'test', searchIn: [] })
export const settingsOf = (url: string): RabbitSettings => settings(rabbitOptions, sources, { values: parseTransportUrl(url).query })
