import { open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { basename, dirname, join, relative } from 'node:path'
import type { Files } from '../runtime.ts'
import { watchTree } from './watch-tree.ts'

let temporaryNames = 0

/** Files on the machine's disk. */
export const nodeFiles: Files = {
  async read(path) {
    try {
      return await readFile(path)
    } catch (error) {
      if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined
      throw error
    }
  },
  async writeAtomic(path, bytes, mode = 0o644) {
    const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.${temporaryNames++}.tmp`)
    try {
      await writeSynced(temporary, bytes, mode)
      await rename(temporary, path)
      await syncDirectory(dirname(path))
      return { ok: true }
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => {})
      return { ok: false, error: error instanceof Error ? error.message : String(error) }
    }
  },
  async list(dir) {
    try {
      const entries = await readdir(dir, { withFileTypes: true, recursive: true })
      return entries
        .filter((entry) => entry.isFile())
        .map((entry) => relative(dir, join(entry.parentPath, entry.name)))
        .sort()
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return []
      throw error
    }
  },
  remove: (path) => rm(path, { force: true }),
  watch: watchTree,
}

async function writeSynced(path: string, bytes: Uint8Array, mode: number): Promise<void> {
  const file = await open(path, 'wx', mode)
  try {
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Makes the rename durable; some file systems cannot sync directories, which is not worth failing for. */
async function syncDirectory(dir: string): Promise<void> {
  const handle = await open(dir, 'r').catch(() => undefined)
  if (handle === undefined) return
  await handle.sync().catch(() => {})
  await handle.close()
}

function codeOf(error: unknown): string | undefined {
  return (error as { readonly code?: string }).code
}
