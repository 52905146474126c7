/** The results of asking many at once, in order, with no more than `most` questions open at a time. */
export async function sideBySide<T, R>(items: readonly T[], most: number, ask: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = new Array(items.length)
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const at = next++
      results[at] = await ask(items[at]!)
    }
  }
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, worker))
  return results
}
