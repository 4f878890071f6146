// Where everything of one mesh lives: below `DIR/.weft`, except Unix sockets (their path holds at most 107 bytes).
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { err, ok, type Result } from '@weft/core'

/** Absolute paths of one mesh. */
export interface StatePaths {
  /** The mesh root: working directory of workloads. */
  readonly root: string
  /** Where the YAML is: `root/mesh` when it exists, else `root`. */
  readonly config: string
  /** `root/.weft`. */
  readonly state: string
  readonly run: string
  readonly ca: string
  readonly registryFile: string
  readonly lockFile: string
  readonly controlFile: string
  readonly bootstrapFile: string
  readonly supervisorFile: string
}

/** The paths of a mesh root; nothing is touched. */
export function statePaths(dir: string): StatePaths {
  const root = resolve(dir)
  const state = join(root, '.weft')
  const run = join(state, 'run')
  const inner = join(root, 'mesh')
  return {
    root,
    config: existsSync(inner) && statSync(inner).isDirectory() ? inner : root,
    state,
    run,
    ca: join(state, 'ca'),
    registryFile: join(state, 'registry/instances.json'),
    lockFile: join(run, 'lock.json'),
    controlFile: join(run, 'control.json'),
    bootstrapFile: join(run, 'bootstrap.json'),
    supervisorFile: join(run, 'supervisor.json'),
  }
}

/** Makes the folders of `paths`, private to the user. */
export function makeStateFolders(paths: StatePaths): Result<undefined> {
  try {
    for (const dir of [paths.state, paths.run, paths.ca, join(paths.state, 'registry'), join(paths.state, 'proxy')]) {
      mkdirSync(dir, { recursive: true, mode: 0o700 })
    }
    return ok(undefined)
  } catch (error) {
    // On a read-only file system mkdir says "no such file" of a folder whose parent is there.
    const { code, message } = error as NodeJS.ErrnoException
    const why = code === 'ENOENT' ? 'the file system is read-only' : message
    return err(
      `cannot make ${paths.state}: ${why}. Make ${paths.root} writable for this user, or copy it to where it is.`,
    )
  }
}

/** What the proxy of an instance (`<name>.<namespace>`) keeps for its next generation. */
export function proxyFolder(state: string, proxyId: string): string {
  return join(state, 'proxy', proxyId)
}

/**
 * Makes a folder (0700) that holds nothing. A proxy's first generation of a run gets one: what an earlier run kept speaks of
 * that run's addresses, which another mesh may hold now, and of its policies. Throws what the file system says.
 */
export function emptyFolder(dir: string): void {
  rmSync(dir, { recursive: true, force: true })
  mkdirSync(dir, { recursive: true, mode: 0o700 })
}

// sockaddr_un.sun_path is 108 bytes with its terminator; the longest name below the folder is `s<number>.sock`.
const MAX_RUNTIME_DIR_LENGTH = 107 - '/s99999.sock'.length

/** Makes a fresh folder (0700) with a short path for Unix sockets. */
export function makeRuntimeDir(preferred: string | undefined): Result<string> {
  for (const base of [preferred, tmpdir(), '/tmp']) {
    if (base === undefined || base === '') continue
    if (Buffer.byteLength(base) + '/weft-XXXXXX'.length > MAX_RUNTIME_DIR_LENGTH) continue
    try {
      return ok(mkdtempSync(join(base, 'weft-')))
    } catch {
      // Not there or not writable: the next.
    }
  }
  return err(`no writable folder with a short path for sockets (tried $XDG_RUNTIME_DIR, ${tmpdir()} and /tmp)`)
}
