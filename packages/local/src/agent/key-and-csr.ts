// Keys of workloads are made here, where the workload runs. They stay in this process's memory and in the memory of the
// proxies that ask for them over their sockets; they are never written to disk and never sent to the CA.
import 'reflect-metadata'
import * as x509 from '@peculiar/x509'

/** A fresh key (PKCS#8 PEM) and a request for a certificate over it (PKCS#10 DER). */
export interface KeyAndCsr {
  readonly privateKeyPem: string
  readonly csrDer: Uint8Array
}

/** Makes a P-256 key and a request that names `id` as its only URI SAN. */
export async function makeKeyAndCsr(id: string): Promise<KeyAndCsr> {
  const keys = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    keys,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'url', value: id }], true)],
  })
  const pkcs8 = await crypto.subtle.exportKey('pkcs8', keys.privateKey)
  return {
    privateKeyPem: `${x509.PemConverter.encode(pkcs8, 'PRIVATE KEY')}\n`,
    csrDer: new Uint8Array(request.rawData),
  }
}
