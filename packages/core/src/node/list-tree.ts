import {
  readdir as readdirWithCallback,
  readlink as readlinkWithCallback,
  realpath as realpathWithCallback,
  stat as statWithCallback,
} from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const readdir = promisify(readdirWithCallback)
const readlink = promisify(readlinkWithCallback)
const realpath = promisify(realpathWithCallback)
const stat = promisify(statWithCallback)

/** Nobody's configuration has more; a link to the root of a file system leads to millions. */
const mostEntries = 100_000

/**
 * Names below `dir` of files and of links to files, sorted; undefined when there is no such directory. Links to directories are followed:
 * Kubernetes mounts a ConfigMap as links into a hidden directory. Each directory is entered once, so links in a circle end. Links that lead
 * nowhere are no files and told to `onDangling`.
 * Throws what the system says of a directory that cannot be read, and where there are more than `most` entries: which files are there is not known then.
 */
export async function listTree(
  dir: string,
  onDangling: (name: string, target: string) => void = () => {},
  most = mostEntries,
): Promise<readonly string[] | undefined> {
  const files: string[] = []
  const entered = new Set<string>()
  const links: string[] = []
  let seen = 0
  const visit = async (below: string): Promise<boolean> => {
    const path = join(dir, below)
    const real = await unlessGone(realpath(path))
    if (real === undefined) return false
    if (entered.has(real)) return true
    entered.add(real)
    const entries = await unlessGone(readdir(path, { withFileTypes: true }))
    for (const entry of entries ?? []) {
      if (isSkipped(entry.name)) continue
      if (++seen > most)
        throw new Error(`${dir} has more than ${most} files and directories, those behind links included`)
      const name = join(below, entry.name)
      if (entry.isFile()) files.push(name)
      else if (entry.isDirectory()) await visit(name)
      else if (entry.isSymbolicLink()) links.push(name)
    }
    return entries !== undefined
  }
  if (!(await visit(''))) return undefined
  // After the directories themselves, which keep their own names.
  for (let name = links.shift(); name !== undefined; name = links.shift()) {
    const target = await unlessGone(stat(join(dir, name)))
    if (target === undefined) onDangling(name, (await unlessGone(readlink(join(dir, name)))) ?? '')
    else if (target.isFile()) files.push(name)
    else if (target.isDirectory()) await visit(name)
  }
  return files.sort()
}

/** Hidden names and packages are nobody's configuration, and may be many. */
function isSkipped(name: string): boolean {
  return name.startsWith('.') || name === 'node_modules'
}

/** Undefined when the file is not there (any more). */
async function unlessGone<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading
  } catch (error) {
    const { code } = error as { readonly code?: string }
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP') return undefined
    throw error
  }
}
