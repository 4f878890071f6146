// An identity as files, for a gRPC library that reads its certificates from files and nowhere else. The one case in which a key is
// written down, and only for workloads that ask for it (`proxy: grpc`).
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { err, ok, type Result } from '@weft/core'
import type { Svid } from './svid.ts'

/** Names of the files, as Istio's agent has them. */
export const svidFiles = { certificate: 'cert-chain.pem', privateKey: 'key.pem', roots: 'root-cert.pem' } as const

/** Writes all three (0600); each is whole at any moment. Libraries keep what they had until key and certificate belong together. */
export function writeSvidFiles(folder: string, svid: Svid): Result<undefined> {
  const contents = {
    [svidFiles.privateKey]: svid.privateKeyPem,
    [svidFiles.certificate]: svid.certificateChainPem,
    [svidFiles.roots]: svid.rootsPem,
  }
  try {
    for (const [name, text] of Object.entries(contents)) {
      const path = join(folder, name)
      writeFileSync(`${path}.next`, text, { mode: 0o600 })
      renameSync(`${path}.next`, path)
    }
    return ok(undefined)
  } catch (error) {
    return err(`cannot write the certificate of ${svid.id} to ${folder}: ${(error as Error).message}`)
  }
}

/** The key does not outlive the workload. */
export function removeSvidFiles(folder: string): void {
  for (const name of Object.values(svidFiles)) rmSync(join(folder, name), { force: true })
}
