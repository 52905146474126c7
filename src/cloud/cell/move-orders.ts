/** What people want of live migrations that are under way: that they end, or that they wait no longer. By the id of the migration. */

export type MoveOrder = 'abort' | 'complete'

export interface MoveOrders {
  /** Whoever waits in `orElse` goes on at once. */
  give(id: number, order: MoveOrder): void
  given(id: number): MoveOrder | undefined
  /** Resolves with what `moving` resolves with, or undefined as soon as there is an order. */
  orElse<T>(id: number, moving: Promise<T>): Promise<T | undefined>
  /** The migration is over. */
  forget(id: number): void
}

export function openMoveOrders(): MoveOrders {
  const orders = new Map<number, MoveOrder>()
  const waiting = new Map<number, () => void>()
  return {
    give(id, order) {
      orders.set(id, order)
      waiting.get(id)?.()
    },
    given: (id) => orders.get(id),
    async orElse(id, moving) {
      const { promise, resolve } = Promise.withResolvers<undefined>()
      waiting.set(id, () => resolve(undefined))
      if (orders.has(id)) resolve(undefined)
      try {
        return await Promise.race([moving, promise])
      } finally {
        waiting.delete(id)
        // what becomes of a move that nobody waits for any more is nobody's concern
        moving.catch(() => {})
      }
    },
    forget(id) {
      orders.delete(id)
      waiting.delete(id)
    },
  }
}
