import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'

/** Where a program lies: on PATH, or in a folder of CI's cache; undefined when it is not installed. */
export function findProgram(name: string, cacheFolders: readonly string[]): string | undefined {
  const cache =
    process.env['WEFT_CI_CACHE'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'weft-ci')
  const folders = [
    ...(process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== ''),
    ...cacheFolders.map((folder) => join(cache, folder)),
  ]
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path))
}
