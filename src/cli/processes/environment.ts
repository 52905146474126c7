/** What the processes of a cloud find in their environment. */
import { existsSync } from 'node:fs'
import type { Layout } from '../../cloud/state.ts'
import { frugalEnvironment } from '../frugal.ts'

/** The paste file, what is written at every start, and what the owner of the cloud added. */
export const configurationFiles = (layout: Layout): string[] =>
  [layout.apiPaste, layout.novaConf, layout.ownConf].filter((path) => path !== layout.ownConf || existsSync(path))

/** As an operator would set it for Nova's services. */
export const programEnvironment = (layout: Layout): NodeJS.ProcessEnv => ({
  ...frugalEnvironment(process.env),
  OS_NOVA_CONFIG_DIR: layout.configuration,
  OS_NOVA_CONFIG_FILES: configurationFiles(layout).join(';'),
})
