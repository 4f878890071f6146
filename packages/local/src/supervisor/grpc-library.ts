// What an instance with `proxy: grpc` has in place of a proxy: a way to the control plane, certificate files, and the bootstrap that
// tells its gRPC library of both.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { err, ok, type Result } from '@weft/core'
import type { WorkloadInstance } from '@weft/resources'
import { grpcBootstrap } from '../agent/grpc-bootstrap.ts'
import type { HostAgent } from '../agent/host-agent.ts'
import { emptyFolder, proxyFolder } from '../state-paths.ts'

/** What it works with. */
export interface GrpcLibraryParts {
  readonly agent: HostAgent
  /** `.weft`. */
  readonly stateDir: string
  /** The Unix socket of this instance. */
  readonly sdsPath: string
  /** The SPIFFE id it has. */
  readonly identity: string
}

const IDENTITY_TIMEOUT_MS = 15_000

/** Where the bootstrap of an instance is. */
export function grpcBootstrapFile(stateDir: string, { name, namespace }: WorkloadInstance): string {
  return join(proxyFolder(stateDir, `${name}.${namespace}`), 'bootstrap.json')
}

/** The agent's part for one instance. */
export class GrpcLibrary {
  readonly #instance: WorkloadInstance
  readonly #parts: GrpcLibraryParts
  #stopped = false

  constructor(instance: WorkloadInstance, parts: GrpcLibraryParts) {
    this.#instance = instance
    this.#parts = parts
  }

  /** For the environment of the application: where gRPC libraries look. */
  get environment(): Record<string, string> {
    return { GRPC_XDS_BOOTSTRAP: grpcBootstrapFile(this.#parts.stateDir, this.#instance) }
  }

  /** Resolves once certificate and bootstrap are there. */
  async start(): Promise<Result<undefined>> {
    const { agent, stateDir, sdsPath: socket, identity } = this.#parts
    const { name, namespace } = this.#instance
    const certificates = proxyFolder(stateDir, `${name}.${namespace}`)
    try {
      emptyFolder(certificates)
      const bootstrap = grpcBootstrap(this.#instance, { socket, certificates })
      writeFileSync(grpcBootstrapFile(stateDir, this.#instance), bootstrap, { mode: 0o600 })
    } catch (error) {
      return err(`cannot write to ${certificates}: ${(error as Error).message}`)
    }
    const served = await agent.serveXds(socket, identity, certificates)
    if (!served.ok) return served
    if (this.#stopped) this.stop()
    const issued = await agent.untilIssued(identity, IDENTITY_TIMEOUT_MS)
    return issued.ok ? ok(undefined) : issued
  }

  /** Ends its way to the control plane and removes its key. */
  stop(): void {
    this.#stopped = true
    this.#parts.agent.close(this.#parts.sdsPath)
  }
}
