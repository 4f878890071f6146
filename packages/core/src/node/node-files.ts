// By callbacks made promises, not by node:fs/promises: that loads readline and more, 1 MB in each proxy.
import * as fs from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { Files } from '../runtime.ts'
import { listTree } from './list-tree.ts'
import { watchTree } from './watch-tree.ts'

const open = promisify(fs.open)
const readFile = promisify(fs.readFile)
const rename = promisify(fs.rename)
const rm = promisify(fs.rm)
const writeFile = promisify(fs.writeFile)
const fsync = promisify(fs.fsync)
const close = promisify(fs.close)

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
  list: (dir, onDangling) => listTree(dir, onDangling),
  remove: (path) => rm(path, { force: true }),
  watch: watchTree,
}

async function writeSynced(path: string, bytes: Uint8Array, mode: number): Promise<void> {
  const file = await open(path, 'wx', mode)
  try {
    await writeFile(file, bytes)
    await fsync(file)
  } finally {
    await close(file)
  }
}

/** Makes the rename durable; some file systems cannot sync directories, which is not worth failing for. */
async function syncDirectory(dir: string): Promise<void> {
  const directory = await open(dir, 'r').catch(() => undefined)
  if (directory === undefined) return
  await fsync(directory).catch(() => {})
  await close(directory)
}

function codeOf(error: unknown): string | undefined {
  return (error as { readonly code?: string }).code
}
