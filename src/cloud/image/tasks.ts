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
      const now = clock.now()
      forgetExpired(store, caller.projectId, now)
      const visible = ({ owner }: Task) => caller.isAdmin || owner === null || owner === caller.projectId
      const tasks = store.tasks.by('image_id', image.id).filter((task) => now <= expiryOf(task) && visible(task))
      return { tasks: tasks.map(taskView) }
    },
  }
}

const expiryOf = ({ ended }: Pick<Task, 'ended'>): number => ended + lifeMs

/** glance/db/sqlalchemy/api.py _task_soft_delete: whoever asks for tasks, of whatever image, has those of the own project that are over deleted. */
function forgetExpired(store: Store, project: string | null, now: number): void {
  const over = store.tasks.filter((task) => task.owner === project && expiryOf(task) <= now)
  if (over.length > 0)
    store.write(() => {
      for (const { id } of over) store.tasks.remove(id)
    })
}

// glance/api/v2/images.py ImagesController.get_task_info: the rows as they are, in another form than /v2/tasks gives them
const taskView = ({ id, image_id, owner, user, request, size, began, ended }: Task) => ({
  id,
  type: 'api_image_import',
  status: 'success',
  owner,
  expires_at: inMicroseconds(expiryOf({ ended })),
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
