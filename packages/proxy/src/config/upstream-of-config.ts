import type { Runtime } from '@weft/core'
import { pushOrder, typeUrl } from '@weft/xds'
import { newNode, type Node } from '@weft/xds/lean'
import type { Bootstrap } from '../bootstrap.ts'
import {
  type ControlPlaneTls,
  type ResourceRejection,
  startSubscriber,
  type XdsConsumer,
  type XdsDialer,
  type XdsSubscriber,
} from '../xds/index.ts'
import type { ConfigStore } from './config-store.ts'
import type { ResourceUpdate } from '../xds/subscription.ts'
import { givesWay } from './gives-way.ts'
import type { LeafFacts, SecretSource } from './secret-source.ts'

/** How the agent and the control plane are reached: gRPC in reality, in memory in the simulation. */
export interface XdsDialers {
  readonly sds: XdsDialer
  readonly ads: (tls: () => ControlPlaneTls) => XdsDialer
}

/** Names and news of the clients. */
export interface UpstreamOfConfigOptions {
  readonly ownCertificate: string
  readonly meshRoots: string
  /** These listeners have been taken in; resolves with those whose address cannot be bound. */
  onListeners(names: ReadonlySet<string>): Promise<readonly ResourceRejection[]>
}

/**
 * The two places configuration comes from: secrets from the host agent, everything else from the control plane, which is
 * dialled only once there is a certificate to show it.
 */
export class UpstreamOfConfig {
  readonly #parts: { readonly runtime: Runtime; readonly bootstrap: Bootstrap; readonly dialers: XdsDialers }
  readonly #store: ConfigStore
  readonly #secrets: SecretSource
  readonly #options: UpstreamOfConfigOptions
  readonly #references = new Map<string, readonly string[]>()
  #sds: XdsSubscriber | undefined
  #ads: XdsSubscriber | undefined
  /** What the stream to the control plane was opened with. */
  #shown: LeafFacts | undefined
  #wantsConfig = false
  #connected = false
  #lastError: string | undefined

  constructor(
    parts: { readonly runtime: Runtime; readonly bootstrap: Bootstrap; readonly dialers: XdsDialers },
    store: ConfigStore,
    secrets: SecretSource,
    options: UpstreamOfConfigOptions,
  ) {
    this.#parts = parts
    this.#store = store
    this.#secrets = secrets
    this.#options = options
  }

  /** Connects to the agent. */
  startSecrets(): void {
    const { runtime, dialers } = this.#parts
    this.#sds = startSubscriber({
      runtime,
      dial: dialers.sds,
      kind: 'delta',
      node: this.#node(),
      consumer: this.#secrets,
      // The agent is on this machine and nobody serves without it: it is asked again soon.
      backoffMs: { base: 20, max: 1_000 },
    })
    this.#subscribeSecrets()
  }

  /** Connects to the control plane as soon as there is a certificate. */
  startConfig(): void {
    this.#wantsConfig = true
    this.#startAds()
  }

  /** Secrets changed. */
  onSecrets(): void {
    if (this.#ads === undefined) return this.#startAds()
    const { clock } = this.#parts.runtime
    if (givesWay(this.#shown, this.#ownFacts(), clock.wallMs())) this.#ads.reconnect('certificate rotated')
  }

  /** The accepted configuration refers to other names than before. */
  onReferences(type: string, names: readonly string[]): void {
    this.#references.set(type, names)
    if (type !== typeUrl.secret) this.#ads?.subscribe(type, names)
    else {
      this.#subscribeSecrets()
      this.#ads?.subscribe(type, this.#writtenSecrets())
    }
  }

  status(): { readonly connected: boolean; readonly lastError: string | undefined } {
    return { connected: this.#connected, lastError: this.#lastError }
  }

  close(): void {
    this.#wantsConfig = false
    this.#ads?.close()
    this.#sds?.close()
  }

  #startAds(): void {
    if (!this.#wantsConfig || this.#ads !== undefined || this.#tls() === undefined) return
    const { runtime, dialers } = this.#parts
    const restored = new Map(pushOrder.map((type) => [type, this.#store.held(type)]))
    const ads = startSubscriber({
      runtime,
      dial: dialers.ads(() => this.#show()),
      kind: 'delta',
      node: this.#node(),
      consumer: this.#consumer(),
      restored,
      backoffMs: { base: 50, max: 2_000 },
    })
    this.#ads = ads
    ads.subscribe(typeUrl.cluster, ['*'])
    ads.subscribe(typeUrl.listener, ['*'])
    for (const type of [typeUrl.clusterLoadAssignment, typeUrl.routeConfiguration]) {
      ads.subscribe(type, this.#references.get(type) ?? [])
    }
    if (this.#writtenSecrets().length > 0) ads.subscribe(typeUrl.secret, this.#writtenSecrets())
  }

  #consumer(): XdsConsumer {
    return {
      onUpdate: async (type, added, removed) => {
        if (type === typeUrl.secret) return this.#takeWritten(added, removed)
        const refused = await this.#store.onUpdate(type, added, removed)
        if (type !== typeUrl.listener) return refused
        // As in Envoy, a port in use is told to the control plane; the listener is kept and binding is tried again.
        return [...refused, ...(await this.#options.onListeners(new Set(added.map(({ name }) => name))))]
      },
      onConnection: (state) => {
        const { log } = this.#parts.runtime
        if (this.#connected !== state.connected) {
          if (state.connected) log.info('connected to the control plane')
          else if (state.renewing) log.debug('connecting to the control plane anew', { reason: state.reason })
          else log.warn('control plane is away; serving the last accepted configuration', { reason: state.reason })
        }
        this.#connected = state.connected
        this.#lastError = state.connected ? undefined : state.reason
      },
    }
  }

  #subscribeSecrets(): void {
    const { ownCertificate, meshRoots } = this.#options
    const referred = (this.#references.get(typeUrl.secret) ?? []).filter((name) => !isWritten(name))
    this.#sds?.subscribe(typeUrl.secret, [...new Set([ownCertificate, meshRoots, ...referred])])
  }

  /** The secrets that people wrote as objects; these come from the control plane, all others from the agent. */
  #writtenSecrets(): readonly string[] {
    return (this.#references.get(typeUrl.secret) ?? []).filter(isWritten)
  }

  /** The control plane has no say in our identity and in whom the mesh trusts. */
  async #takeWritten(
    added: readonly ResourceUpdate[],
    removed: readonly string[],
  ): Promise<readonly ResourceRejection[]> {
    const foreign = added.filter(({ name }) => !isWritten(name))
    const own = added.filter(({ name }) => isWritten(name))
    const refused = await this.#secrets.onUpdate(typeUrl.secret, own, removed.filter(isWritten))
    return [...refused, ...foreign.map(({ name }) => ({ name, reason: 'is a secret of the agent' }))]
  }

  /** What the next handshake with the control plane shows. */
  #show(): ControlPlaneTls {
    this.#shown = this.#ownFacts()
    return this.#tls() as ControlPlaneTls
  }

  #ownFacts(): LeafFacts | undefined {
    return this.#secrets.certificate(this.#options.ownCertificate)?.facts
  }

  #tls(): ControlPlaneTls | undefined {
    const own = this.#secrets.certificate(this.#options.ownCertificate)
    const rootsPem = this.#secrets.rootsPem(this.#options.meshRoots)
    if (own === undefined || rootsPem === undefined) return undefined
    return { material: own.material, rootsPem, serverSpiffeId: this.#parts.bootstrap.ads.serverSpiffeId }
  }

  #node(): Node {
    const { id, cluster, metadata } = this.#parts.bootstrap.node
    return newNode({ id, cluster, metadata: metadata as NonNullable<Node['metadata']>, userAgentName: 'weft' })
  }
}

function isWritten(secret: string): boolean {
  return secret.startsWith('kubernetes://')
}
