// Sources and store of a control plane on one machine, wired together.
import type { Runtime } from '@weft/core'
import type { FilesIn, WorkloadInstance } from '@weft/resources'
import { FileSource } from '../sources/file-source.ts'
import { RegistrySource } from '../sources/registry-source.ts'
import { ConfigStore, type StoreListener } from './config-store.ts'

/** What a control plane watches. */
export interface WatchedDirectory {
  /** Absolute path of the directory the user gave; its state is below `.weft` in it. */
  readonly dir: string
  /** Where below it the files lay before a restart. */
  readonly filesIn?: FilesIn
  readonly onState: StoreListener
  readonly onInstances: (instances: readonly WorkloadInstance[]) => void
}

/** Running sources and their store. */
export interface WatchedConfiguration {
  readonly store: ConfigStore
  /** Stops watching and finishes saving. */
  close(): Promise<void>
}

/**
 * Loads the last good versions, reads the directory and the registry once, then watches both. When the promise resolves,
 * `onState` and `onInstances` have been called. The directories `.weft/state` and `.weft/registry` should exist.
 */
export async function watchConfiguration(
  runtime: Pick<Runtime, 'files' | 'timers' | 'clock' | 'log'>,
  { dir, filesIn, onState, onInstances }: WatchedDirectory,
): Promise<WatchedConfiguration> {
  const store = new ConfigStore(runtime, `${dir}/.weft/state/objects.json`)
  store.subscribe(onState)
  await store.load()
  const registry = new RegistrySource(runtime, { dir: `${dir}/.weft/registry`, onInstances })
  await registry.start()
  const files = new FileSource(runtime, { dir, filesIn, onFiles: (read) => store.apply(read) })
  const close = async (): Promise<void> => {
    files.close()
    registry.close()
    await store.flush()
    store.close()
  }
  try {
    await files.start()
  } catch (error) {
    await close()
    throw error
  }
  return { store, close }
}
