// Certificates for grpc-js that can be replaced while the server runs: its (experimental) certificate provider interface.
import type { experimental } from '@grpc/grpc-js'
import type { TlsMaterial } from '@weft/core'

type Provider = experimental.CertificateProvider

/** A provider that serves what it was last given. */
export function renewableCertificates(
  material: TlsMaterial,
  rootsPem: string,
): { readonly provider: Provider; renew(material: TlsMaterial, rootsPem: string): void } {
  const roots = new Set<experimental.CaCertificateUpdateListener>()
  const identities = new Set<experimental.IdentityCertificateUpdateListener>()
  let ca = caUpdate(rootsPem)
  let identity = identityUpdate(material)
  return {
    provider: {
      // Listeners are told later, never from within `add`: grpc-js is not done with itself then.
      addCaCertificateListener(listener) {
        roots.add(listener)
        queueMicrotask(() => {
          if (roots.has(listener)) listener(ca)
        })
      },
      removeCaCertificateListener: (listener) => void roots.delete(listener),
      addIdentityCertificateListener(listener) {
        identities.add(listener)
        queueMicrotask(() => {
          if (identities.has(listener)) listener(identity)
        })
      },
      removeIdentityCertificateListener: (listener) => void identities.delete(listener),
    },
    renew(nextMaterial, nextRootsPem) {
      ca = caUpdate(nextRootsPem)
      identity = identityUpdate(nextMaterial)
      for (const listener of roots) listener(ca)
      for (const listener of identities) listener(identity)
    },
  }
}

function caUpdate(rootsPem: string): experimental.CaCertificateUpdate {
  return { caCertificate: Buffer.from(rootsPem) }
}

function identityUpdate(material: TlsMaterial): experimental.IdentityCertificateUpdate {
  return { certificate: Buffer.from(material.certificateChainPem), privateKey: Buffer.from(material.privateKeyPem) }
}
