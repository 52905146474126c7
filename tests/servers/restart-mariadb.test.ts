import { startMariadb } from './instances.ts'
import { restarts } from './restarts.ts'

restarts(() => startMariadb())
