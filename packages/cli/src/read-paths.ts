// The files that a command line names: directories, files, or standard input.
import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { err, ok, type Result } from '@weft/core'
import { nodeRuntime } from '@weft/core/node'
import { decodeFile, readMeshFiles, type SourceFile } from '@weft/resources'

/** Reads what each path names: of a directory its configuration files (DIR/mesh if it exists, else DIR), of `-` standard input. */
export async function readPaths(paths: readonly string[]): Promise<Result<SourceFile[]>> {
  const { files } = nodeRuntime({ logLevel: 'error' })
  const found = new Map<string, SourceFile>()
  for (const path of paths) {
    const read = path === '-' ? [readOne('-', 0)] : statSync(path, { throwIfNoEntry: false })
    if (read === undefined) return err(`there is no file or directory ${path}`)
    if (Array.isArray(read)) for (const file of read) found.set(file.name, file)
    else if (!read.isDirectory()) found.set(path, readOne(path, path))
    else {
      // Names are as short as they can be while telling files apart.
      const prefix = paths.length === 1 ? '' : `${path.replace(/\/+$/, '')}/`
      for (const file of await readMeshFiles(files, resolve(path))) {
        found.set(`${prefix}${file.name}`, { ...file, name: `${prefix}${file.name}` })
      }
    }
  }
  return ok([...found.values()])
}

function readOne(name: string, from: string | number): SourceFile {
  try {
    return decodeFile({ name, bytes: readFileSync(from) })
  } catch (error) {
    return { name, text: '', unreadable: `cannot be read: ${(error as Error).message}` }
  }
}
