// Everything a comparison needs around the proxies: applications, the ADS server, secrets, certificates of callers.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TlsMaterial } from '@weft/core'
import { type Distributor } from '../../../packages/control/src/serve/distributor-api.ts'
import { startAdsServer } from '../../../packages/control/src/serve/ads-server.ts'
import { createDistributor } from '../../../packages/control/src/serve/distributor.ts'
import { startSdsServer } from '../../../packages/local/src/agent/sds-server.ts'
import { type TestAuthority, testAuthority } from '../../wire/test-certificates.ts'
import { testRuntime } from '../../wire/test-runtime.ts'
import { startMarkerUpstream } from './marker-upstream.ts'
import { AddressBook } from './mesh-tables.ts'
import { proxyIdentity, type Questioner } from './wire-arm.ts'

/** What proxies are fed by. Serves until closed. */
export interface Ground {
  readonly distributor: Distributor
  /** The third octet of all addresses: runs at the same time on one machine must not meet. */
  readonly octet: number
  readonly authority: TestAuthority
  /** A certificate for a SPIFFE id. */
  materialFor(id: string): Promise<TlsMaterial>
  /** What a proxy is attached with. */
  readonly attach: {
    readonly dir: string
    readonly adsPort: number
    readonly sdsPath: string
    readonly rootPem: string
    readonly material: TlsMaterial
  }
  close(): void
}

/** The same with applications for requests. */
export interface Field extends Pick<Ground, 'distributor' | 'attach' | 'close'> {
  readonly questioner: Questioner
  readonly addresses: AddressBook
}

/** SPIFFE id of the ADS server. */
export const controlId = 'spiffe://cluster.local/ns/weft-system/sa/weft-control'

/** Opens it. */
export async function openField(): Promise<Field> {
  const ground = await openGround()
  const { distributor, attach, octet, materialFor } = ground
  const upstream = await startMarkerUpstream(`127.69.${octet}.1`)
  let tags = 0
  return {
    distributor,
    attach,
    addresses: new AddressBook(octet),
    questioner: { upstream, materialFor, nextTag: () => String(++tags) },
    close() {
      upstream.close()
      ground.close()
    },
  }
}

/** Opens what is under it. */
export async function openGround(): Promise<Ground> {
  const dir = mkdtempSync(join(tmpdir(), 'weft-diff-'))
  const authority = await testAuthority()
  const material = await authority.issue(proxyIdentity)
  const materials = new Map<string, Promise<TlsMaterial>>()
  const materialFor = (id: string): Promise<TlsMaterial> => {
    const issued = materials.get(id) ?? authority.issue(id)
    materials.set(id, issued)
    return issued
  }
  const distributor = createDistributor(testRuntime)
  const server = await startAdsServer({
    host: '127.0.0.1',
    port: 0,
    material: await authority.issue(controlId),
    clientRootsPem: authority.rootPem,
    requireClientCertificate: true,
    services: [],
    log: testRuntime.log,
    onStream: (stream) => distributor.accept(stream, (node) => ({ ok: true, value: node.id })),
  })
  if (!server.ok) throw new Error(server.error)
  const sdsPath = join(dir, 'sds.sock')
  const sds = await startSdsServer(sdsPath, testRuntime.log)
  if (!sds.ok) throw new Error(sds.error)
  sds.value.set({
    id: proxyIdentity,
    ...material,
    rootsPem: authority.rootPem,
    serial: '01',
    notBeforeMs: Date.now(),
    notAfterMs: Date.now() + 3_600_000,
  })
  return {
    distributor,
    octet: 100 + (process.pid % 150),
    authority,
    materialFor,
    attach: { dir, adsPort: server.value.port, sdsPath, rootPem: authority.rootPem, material },
    close() {
      distributor.close()
      server.value.close()
      sds.value.close()
      rmSync(dir, { recursive: true })
    },
  }
}
