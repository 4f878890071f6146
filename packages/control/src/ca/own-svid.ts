// The control plane's own SVID: issued in process (it is the CA), renewed at half life; open connections live on.
import type { Runtime, TlsMaterial } from '@weft/core'
import { controlPlaneId, INITIAL_ROTATION, type RotationEvent, rotate } from '@weft/identity'
import { certificateToPem } from '@weft/identity/node'
import type { CertificateAuthority } from './certificate-authority.ts'

/** The first certificate, and how to stop renewing it. */
export interface OwnSvid {
  readonly material: TlsMaterial
  close(): void
}

/** Issues the control plane's SVID now and again at each half life; `onRenewed` gets every later one. */
export async function startOwnSvid(
  ca: CertificateAuthority,
  runtime: Pick<Runtime, 'clock' | 'timers' | 'rng' | 'log'>,
  onRenewed: (material: TlsMaterial) => void,
): Promise<OwnSvid> {
  const { clock, timers, rng, log } = runtime
  let state = INITIAL_ROTATION
  let closed = false
  let timer = { cancel: (): void => {} }
  const step = (event: RotationEvent): void => {
    const next = rotate(state, event, clock.wallMs())
    state = next.state
    for (const effect of next.effects) {
      if (effect.kind === 'request') void renew()
      if (effect.kind !== 'wakeAt') continue
      timer.cancel()
      const delayMs = Math.max(0, effect.atMs - clock.wallMs())
      timer = timers.set(delayMs, () => step({ kind: 'wake' }), { keepAlive: false })
    }
  }
  const issued = (notAfterMs: number): void =>
    step({ kind: 'issued', notBeforeMs: clock.wallMs(), notAfterMs, random: rng.float() })
  const renew = async (): Promise<void> => {
    const own = await issueOwn(ca).catch((error: Error) => error)
    if (closed) return
    if (own instanceof Error) {
      log.error('cannot renew the control plane certificate', { error: own.message })
      step({ kind: 'failed', random: rng.float() })
      return
    }
    onRenewed(own.material)
    issued(own.notAfterMs)
  }
  const first = await issueOwn(ca)
  issued(first.notAfterMs)
  return {
    material: first.material,
    close() {
      closed = true
      timer.cancel()
    },
  }
}

async function issueOwn(ca: CertificateAuthority): Promise<{ material: TlsMaterial; notAfterMs: number }> {
  const keys = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
  const issued = await ca.sign(keys.publicKey, controlPlaneId(ca.trustDomain))
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64')
  const privateKeyPem = `-----BEGIN PRIVATE KEY-----\n${pkcs8.match(/.{1,64}/g)?.join('\n')}\n-----END PRIVATE KEY-----\n`
  const certificateChainPem = issued.chain.map(certificateToPem).join('')
  return { material: { certificateChainPem, privateKeyPem }, notAfterMs: issued.notAfterMs }
}
