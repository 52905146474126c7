/** Settings for tests. */
import { type RabbitSettings, rabbitOptions } from './options.ts'

/** The defaults, changed. */
export const rabbitSettings = (changed: Partial<RabbitSettings> = {}): RabbitSettings => ({
  ...(Object.fromEntries(Object.entries(rabbitOptions.options).map(([key, option]) => [key, option.default])) as unknown as RabbitSettings),
  ...changed,
})
