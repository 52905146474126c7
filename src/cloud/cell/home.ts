/** In which of the cells of this process a server is. */
import type { CellParts } from './parts.ts'

/** The cell that has it, or had it; undefined when none has. One that a crash cut off before its cell was noted is found too. */
export async function findHome({ cells, api }: CellParts, uuid: string): Promise<CellParts | undefined> {
  const all = [...cells.values()]
  const id = await api.serverMappings.cellOf(uuid)
  const noted = all.find(({ cell }) => cell.id === id)
  if (noted) return noted
  for (const parts of all) if (await parts.cell.servers.find(uuid, { deletedToo: true })) return parts
  return undefined
}

/** The same; this cell when none has it, or where there is no other. */
export const homeOf = async (parts: CellParts, uuid: string): Promise<CellParts> =>
  parts.cells.size === 1 ? parts : ((await findHome(parts, uuid)) ?? parts)
