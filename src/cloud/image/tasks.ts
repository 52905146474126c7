/** /v2/images/{id}/tasks: the imports that brought an image its bytes. They are done when they are answered, so all of them succeeded. */
import type { Clock, Routes } from '../service.ts'
import { lookedUp } from './images.ts'
import { moment, type Store, type Task } from './model.ts'

/** Glance's `[task] task_time_to_live`. */
const lifeMs = 48 * 3600 * 1000

export function taskRoutes({ store, clock }: { store: Store; clock: Clock }): Routes {
  return {
    'GET /v2/images/:image_id/tasks': ({ caller, params }) => {
      const image = lookedUp(store, caller, params.image_id!, 'The resource could not be found.')
      const visible = (task: Task) => clock.now() <= task.ended + lifeMs && (caller.isAdmin || task.owner === caller.projectId)
      return { tasks: store.tasks.filter((task) => task.image_id === image.id && visible(task)).map(taskView) }
    },
  }
}

// glance/api/v2/images.py ImagesController.get_task_info: the rows as they are, in another form than /v2/tasks gives them
const taskView = ({ id, image_id, owner, user, request, size, began, ended }: Task) => ({
  id,
  type: 'api_image_import',
  status: 'success',
  owner,
  expires_at: inMicroseconds(ended + lifeMs),
  created_at: inMicroseconds(began),
  updated_at: inMicroseconds(ended),
  deleted_at: null,
  deleted: false,
  image_id,
  request_id: null,
  user_id: user,
  input: { image_id, import_req: request, backend: ['file'] },
  result: { image_id },
  message: `Copied ${Math.floor(size / 2 ** 20)} MiB`,
})

const inMicroseconds = (time: number): string => moment(time).replace('Z', '.000000')
