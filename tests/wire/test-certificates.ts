// A certificate authority for tests: issues SVIDs and certificates that are wrong in chosen ways.
import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import type { TlsMaterial } from '@weft/core'

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

/** A root that signs for tests. */
export interface TestAuthority {
  readonly rootPem: string
  /** A leaf for the given names (SPIFFE id, DNS name, IP address), valid for an hour. */
  issue(...names: string[]): Promise<TlsMaterial>
  /** Its list of revoked certificates. */
  revoke(...revoked: TlsMaterial[]): Promise<string>
}

async function keyPem(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key)).toString('base64')
  return `-----BEGIN PRIVATE KEY-----\n${der.replace(/(.{64})/g, '$1\n')}\n-----END PRIVATE KEY-----\n`
}

function nameType(name: string): 'url' | 'ip' | 'dns' {
  return name.includes('://') ? 'url' : /^[\d.]+$/.test(name) ? 'ip' : 'dns'
}

/** Makes a fresh root. */
export async function testAuthority(): Promise<TestAuthority> {
  x509.cryptoProvider.set(webcrypto as unknown as Parameters<typeof x509.cryptoProvider.set>[0])
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const notBefore = new Date(Date.now() - 60_000)
  const notAfter = new Date(Date.now() + 3_600_000)
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=Test root',
    keys,
    notBefore,
    notAfter,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      new x509.SubjectAlternativeNameExtension([{ type: 'url', value: 'spiffe://cluster.local' }]),
    ],
  })
  return {
    rootPem: root.toString('pem'),
    async issue(...names) {
      const leafKeys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
      const leaf = await x509.X509CertificateGenerator.create({
        subject: '',
        issuer: root.subject,
        publicKey: leafKeys.publicKey,
        signingKey: keys.privateKey,
        notBefore,
        notAfter,
        signingAlgorithm: algorithm,
        extensions: [
          new x509.BasicConstraintsExtension(false, undefined, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
          new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth, x509.ExtendedKeyUsage.serverAuth]),
          new x509.SubjectAlternativeNameExtension(
            names.map((value) => ({ type: nameType(value), value })),
            true,
          ),
        ],
      })
      return { certificateChainPem: leaf.toString('pem'), privateKeyPem: await keyPem(leafKeys.privateKey) }
    },
    async revoke(...revoked) {
      const list = await x509.X509CrlGenerator.create({
        issuer: root.subject,
        thisUpdate: notBefore,
        nextUpdate: notAfter,
        entries: revoked.map(({ certificateChainPem }) => ({
          serialNumber: new x509.X509Certificate(certificateChainPem).serialNumber,
          revocationDate: notBefore,
        })),
        signingAlgorithm: algorithm,
        signingKey: keys.privateKey,
      })
      return x509.PemConverter.encode(list.rawData, 'X509 CRL')
    },
  }
}
