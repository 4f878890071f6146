// TLS that proxies begin themselves, as DestinationRules ask for it.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TlsMaterial } from '@weft/core'
import type { SeededRandom } from '../differential/seeded-random.ts'
import { proxyIdentity } from '../differential/wire-arm.ts'
import { doorCertificate } from './stream-gateways.ts'
import type { Yaml } from './stream-rules.ts'

/** Names in the certificate of every application, and of files that proxies may show. */
export const applicationNames = ['door.test', 'spiffe://cluster.local/ns/default/sa/application', '127.0.0.9'] as const
export const clientFileName = 'client-file.test'

/** The file of authorities that issued nothing here. */
export const strangersFile = 'strangers.pem'

/** Files of the machine that rules name. */
export interface OriginationFiles {
  /** Authorities: of everybody here, and of nobody. */
  readonly roots: string
  readonly strangers: string
  readonly certificate: string
  readonly key: string
}

/** Writes them into a directory. */
export function originationFiles(
  dir: string,
  {
    rootPem,
    strangerPem,
    client,
  }: { readonly rootPem: string; readonly strangerPem: string; readonly client: TlsMaterial },
): OriginationFiles {
  const write = (name: string, text: string): string => {
    const path = join(dir, name)
    writeFileSync(path, text)
    return path
  }
  return {
    roots: write('roots.pem', rootPem),
    strangers: write(strangersFile, strangerPem),
    certificate: write('client.pem', client.certificateChainPem),
    key: write('client-key.pem', client.privateKeyPem),
  }
}

/** `tls` of a rule; `outside`: for hosts that are no Services, whose servers need not be verified. */
export function origination(random: SeededRandom, files: OriginationFiles, outside = false): Yaml {
  const mode = random.pick(['SIMPLE', 'SIMPLE', 'MUTUAL', 'MUTUAL', 'MUTUAL', 'ISTIO_MUTUAL', 'DISABLE'])
  if (mode === 'DISABLE') return { mode }
  const asked = {
    ...(random.chance(0.75)
      ? {
          sni: random.pick([
            'door.test',
            'door.test',
            'door.test',
            'Alpha.Example',
            'target.default.svc.cluster.local',
          ]),
        }
      : {}),
    ...(random.chance(0.5)
      ? {
          subjectAltNames: random.some(
            ['door.test', 'door.test', applicationNames[1], applicationNames[2], proxyIdentity, 'other.test'],
            1,
            2,
          ),
        }
      : {}),
  }
  if (mode === 'ISTIO_MUTUAL') return { mode, ...asked }
  if (random.chance(0.15)) return { mode, ...asked, credentialName: doorCertificate }
  const { roots, strangers, certificate, key } = files
  const authorities = random.pick([roots, roots, roots, roots, roots, roots, strangers, undefined])
  return {
    mode,
    ...asked,
    ...(outside && random.chance(0.2)
      ? { insecureSkipVerify: true }
      : authorities === undefined
        ? {}
        : { caCertificates: authorities }),
    ...(mode === 'MUTUAL' ? { clientCertificate: certificate, privateKey: key } : {}),
  }
}
