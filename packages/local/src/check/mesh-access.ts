// What `--check` needs to prove things from outside: the registry's addresses, certificates of any name, and an instance more.
import { randomBytes } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { InstanceRegistry, WorkloadInstance } from '@weft/resources'
import { openTestSigner, type TestCertificate, type TestCertificateOptions } from './test-signer.ts'

/** Handed to a check table (`DIR/check.ts`) by `weft up --check`. */
export interface MeshAccess {
  readonly proxyKind: 'weft' | 'envoy'
  /** All instances, as the registry has them now. */
  instances(): Promise<readonly WorkloadInstance[]>
  /** A certificate and key, for checks that pretend to be someone. */
  issue(options: TestCertificateOptions): Promise<TestCertificate>
  /** Lets the mesh believe in one more instance, until `remove` is called or the supervisor next writes the registry. */
  addInstance(instance: WorkloadInstance): Promise<{ remove(): Promise<void> }>
}

/** Access to the mesh that runs in `directory`; rejects if its registry or its CA cannot be read. */
export async function openMeshAccess(directory: string, proxyKind: 'weft' | 'envoy'): Promise<MeshAccess> {
  const registryFile = join(directory, '.weft/registry/instances.json')
  const signer = await openTestSigner(join(directory, '.weft/ca'))
  const instances = async (): Promise<readonly WorkloadInstance[]> => {
    const registry = JSON.parse(await readFile(registryFile, 'utf8')) as InstanceRegistry
    return registry.instances
  }
  return {
    proxyKind,
    instances,
    issue: (options) => signer.issue(options),
    async addInstance(instance) {
      await replace(registryFile, { instances: [...(await instances()), instance] })
      const remove = async (): Promise<void> => {
        await replace(registryFile, { instances: (await instances()).filter(({ name }) => name !== instance.name) })
      }
      return { remove }
    },
  }
}

async function replace(file: string, registry: InstanceRegistry): Promise<void> {
  const beside = `${file}.${randomBytes(4).toString('hex')}`
  await writeFile(beside, JSON.stringify(registry), { mode: 0o600 })
  await rename(beside, file)
}
