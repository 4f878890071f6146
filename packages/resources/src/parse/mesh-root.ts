// Which files of a user's directory are configuration.
import type { Files } from '@weft/core'
import type { SourceFile } from '../mesh-object.ts'

/** Where below a user's directory configuration lies: in `DIR/mesh`, or in DIR itself. */
export type FilesIn = 'mesh' | '.'

/** Where configuration stands: `DIR/mesh` if it holds files, else `DIR`. `prefix` leads from DIR to it. */
export interface MeshRoot {
  readonly path: string
  readonly prefix: string
  readonly filesIn: FilesIn
}

/** The name under which the mesh root itself stands among its files when nobody knows what it holds. */
export const rootItself = '.'

/** Finds the mesh root below the directory a user gave (an absolute path). */
export async function findMeshRoot(files: Pick<Files, 'list'>, dir: string): Promise<MeshRoot> {
  const dangling: string[] = []
  const inside = await files.list(`${dir}/mesh`, (name) => dangling.push(name))
  return meshRootIn(dir, [...(inside ?? []), ...dangling].some(isConfigurationFile) ? 'mesh' : '.')
}

/** The mesh root where a directory's files are known to lie. */
export function meshRootIn(dir: string, filesIn: FilesIn): MeshRoot {
  return filesIn === 'mesh' ? { path: `${dir}/mesh`, prefix: 'mesh/', filesIn } : { path: dir, prefix: '', filesIn }
}

const toolFiles = /(?:^|\/)(?:package|package-lock|tsconfig[^/]*|biome|knip)\.json$/

/** Whether a path below the mesh root is configuration: YAML or JSON, not hidden, not a tool's own file. */
function isConfigurationFile(path: string): boolean {
  if (!/\.(?:ya?ml|json)$/.test(path) || toolFiles.test(path)) return false
  return !path.split('/').some((part) => part.startsWith('.') || part === 'node_modules')
}

/** Reads all configuration files of a mesh root, with the links that lead nowhere; undefined when there is no such directory. Throws when it cannot be listed. */
export async function readMeshRoot(
  files: Pick<Files, 'list' | 'read'>,
  root: MeshRoot,
): Promise<ReadFile[] | undefined> {
  const dangling: ReadFile[] = []
  const names = await files.list(root.path, (name, target) => {
    if (!toolFiles.test(name)) dangling.push(danglingLink(root, name, target))
  })
  if (names === undefined) return undefined
  const read = await Promise.all(names.filter(isConfigurationFile).map((name) => readOne(files, root, name)))
  return [...read.filter((file) => file !== undefined), ...dangling]
}

/** A link to what is not there now, a file or a directory: nobody deleted what was behind it. */
function danglingLink(root: MeshRoot, name: string, target: string): ReadFile {
  return {
    name: `${root.prefix}${name}`,
    bytes: undefined,
    error: `is a link to ${target}, which is not there; what was read from there before stays in force`,
    mend: 'Put back what it leads to, or remove the link to remove what it led to.',
    doubtful: !isConfigurationFile(name),
  }
}

/** A file as read: its bytes, or why it could not be read. */
export interface ReadFile {
  readonly name: string
  readonly bytes: Uint8Array | undefined
  readonly error?: string
  readonly mend?: string
  readonly doubtful?: boolean
}

async function readOne(files: Pick<Files, 'read'>, root: MeshRoot, name: string): Promise<ReadFile | undefined> {
  try {
    const bytes = await files.read(`${root.path}/${name}`)
    // Gone between listing and reading: as if it had not been listed.
    return bytes === undefined ? undefined : { name: `${root.prefix}${name}`, bytes }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return { name: `${root.prefix}${name}`, bytes: undefined, error: `cannot be read: ${why}` }
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** The text of a file as read. */
export function decodeFile(file: ReadFile): SourceFile {
  if (file.bytes === undefined) {
    const { name, error = 'cannot be read', bytes: _none, ...how } = file
    return { name, text: '', unreadable: error, ...how }
  }
  try {
    return { name: file.name, text: utf8.decode(file.bytes) }
  } catch {
    return { name: file.name, text: '', unreadable: 'is not UTF-8 text' }
  }
}

/** All configuration files of a user's directory (absolute path), once; for commands that watch nothing. */
export async function readMeshFiles(files: Pick<Files, 'list' | 'read'>, dir: string): Promise<SourceFile[]> {
  return ((await readMeshRoot(files, await findMeshRoot(files, dir))) ?? []).map(decodeFile)
}
