/** Every action on servers: POST /servers/:id/action. */
import { resource } from '../../../spec/operation.ts'
import { adminActions } from './admin.ts'
import { consoleActions } from './consoles.ts'
import { deferredDeleteActions } from './deferred-delete.ts'
import { imageActions } from './images.ts'
import { lockActions } from './lock.ts'
import { moveActions } from './move.ts'
import { networkActions } from './network.ts'
import { powerActions } from './power.ts'
import { rebuildAction } from './rebuild.ts'
import { rescueActions } from './rescue.ts'
import { resizeActions } from './resize.ts'
import { shelveActions } from './shelve.ts'

export const serverActions = resource({
  ...adminActions,
  ...consoleActions,
  ...deferredDeleteActions,
  ...imageActions,
  ...lockActions,
  ...moveActions,
  ...networkActions,
  ...powerActions,
  ...rebuildAction,
  ...rescueActions,
  ...resizeActions,
  ...shelveActions,
})
