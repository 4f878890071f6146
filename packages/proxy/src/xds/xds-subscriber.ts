// Drives the client reducer over streams that come and go: subscriptions outlive streams, reconnects back off with jitter.
import type { Runtime, Timer } from '@weft/core'
import {
  badRequestDetail,
  type ClientEffect,
  type ClientRejection,
  type ClientState,
  newClientState,
  onClosed,
  onDeltaResponse,
  onOpen,
  onProcessed,
  onRestore,
  onSotwResponse,
  onWant,
  tryRead,
  type XdsStream,
} from '@weft/xds'
import {
  newDeltaDiscoveryRequest,
  newDiscoveryRequest,
  newRpcStatus,
  type Node,
  readDeltaDiscoveryResponse,
  readDiscoveryResponse,
  type RpcStatus,
  writeDeltaDiscoveryRequest,
  writeDiscoveryRequest,
} from '@weft/xds/lean'
import { resourceName } from './resource-name.ts'
import type { XdsConsumer, XdsDialer, XdsSubscriber } from './subscription.ts'

/** What a subscriber is made of. */
export interface SubscriberOptions {
  readonly runtime: Pick<Runtime, 'clock' | 'timers' | 'rng' | 'log'>
  readonly dial: XdsDialer
  readonly kind: 'delta' | 'sotw'
  readonly node: Node
  readonly consumer: XdsConsumer
  /** What is in effect already (from an earlier life of the process): type URL -> name -> version. */
  readonly restored?: ReadonlyMap<string, ReadonlyMap<string, string>>
  /** First and longest pause before a reconnect. */
  readonly backoffMs?: { readonly base: number; readonly max: number }
}

interface Driver {
  readonly options: SubscriberOptions
  readonly state: ClientState
  stream: XdsStream | undefined
  stopDialing: (() => void) | undefined
  retry: Timer | undefined
  /** Connects in a row that brought no message and did not last. */
  failures: number
  /** When the present stream came up, on the monotonic clock. */
  openedMs: number
  /** We end the stream ourselves, to open another at once. */
  renewing: boolean
  closed: boolean
}

/** Starts connecting at once; runs until closed. */
export function startSubscriber(options: SubscriberOptions): XdsSubscriber {
  const driver: Driver = {
    options,
    state: newClientState(options.kind),
    stream: undefined,
    stopDialing: undefined,
    retry: undefined,
    failures: 0,
    openedMs: 0,
    renewing: false,
    closed: false,
  }
  for (const [typeUrl, versions] of options.restored ?? []) onRestore(driver.state, typeUrl, versions)
  dial(driver)
  return {
    get connected() {
      return driver.stream !== undefined
    },
    subscribe: (typeUrl, names) => perform(driver, onWant(driver.state, typeUrl, names)),
    reconnect(reason) {
      if (driver.stream === undefined) return
      driver.renewing = true
      driver.stream.close(reason)
    },
    close() {
      driver.closed = true
      driver.retry?.cancel()
      driver.stopDialing?.()
      driver.stream?.close()
    },
  }
}

function dial(driver: Driver): void {
  driver.retry = undefined
  driver.stopDialing = driver.options.dial(
    (stream) => {
      driver.stopDialing = undefined
      if (driver.closed) stream.close()
      else attach(driver, stream)
    },
    (reason) => {
      driver.stopDialing = undefined
      retryLater(driver, reason)
    },
  )
}

function attach(driver: Driver, stream: XdsStream): void {
  driver.stream = stream
  driver.openedMs = driver.options.runtime.clock.nowMs()
  stream.start({
    onMessage(bytes) {
      driver.failures = 0
      const effects = receive(driver.state, bytes)
      if (typeof effects === 'string') stream.close(`malformed response: ${effects}`)
      else perform(driver, effects)
    },
    // Requests are few and small: at most one per response, and one per change of subscription.
    onDrain() {},
    onClose(error) {
      driver.stream = undefined
      onClosed(driver.state)
      retryLater(driver, error ?? 'the server ended the stream')
      driver.renewing = false
    },
  })
  driver.options.consumer.onConnection?.({ connected: true })
  perform(driver, onOpen(driver.state))
}

function receive(state: ClientState, bytes: Uint8Array): ClientEffect[] | string {
  if (state.kind === 'delta') {
    const read = tryRead(readDeltaDiscoveryResponse, bytes)
    return read.ok ? onDeltaResponse(state, read.value) : read.error
  }
  const read = tryRead(readDiscoveryResponse, bytes)
  return read.ok ? onSotwResponse(state, read.value, (_typeUrl, value) => resourceName(value)) : read.error
}

/** The next connect: at once when we ended the stream; else the pause doubles from `base` to `max`, with the upper half of each drawn at random (no herds after a restart). */
function retryLater(driver: Driver, reason: string): void {
  if (driver.closed) return
  const { runtime, consumer } = driver.options
  const { base, max } = driver.options.backoffMs ?? { base: 100, max: 5_000 }
  // A stream may rightly bring nothing, when nothing changed: one that lasted is no failure.
  if (driver.openedMs > 0 && runtime.clock.nowMs() - driver.openedMs > max) driver.failures = 0
  driver.openedMs = 0
  const whole = Math.min(max, base * 2 ** Math.min(driver.failures, 20))
  if (!driver.renewing) driver.failures += 1
  const delayMs = driver.renewing ? 0 : whole * (0.5 + runtime.rng.float() / 2)
  consumer.onConnection?.({ connected: false, reason, renewing: driver.renewing })
  driver.retry = runtime.timers.set(delayMs, () => dial(driver))
}

function perform(driver: Driver, effects: readonly ClientEffect[]): void {
  for (const effect of effects) {
    if (effect.kind === 'request') driver.stream?.send(encode(driver, effect))
    else deliver(driver, effect)
  }
}

function deliver(driver: Driver, effect: Extract<ClientEffect, { kind: 'deliver' }>): void {
  const { typeUrl, stream, added, removed } = effect
  const done = (rejected: readonly ClientRejection[]): void => {
    if (!driver.closed) perform(driver, onProcessed(driver.state, { typeUrl, stream, rejected }))
  }
  driver.options.consumer.onUpdate(typeUrl, added, removed).then(done, (error: unknown) => {
    const reason = `internal error: ${error instanceof Error ? error.message : String(error)}`
    driver.options.runtime.log.error('applying configuration failed', { type: typeUrl, reason })
    done(added.map(({ name }) => ({ name, reason })))
  })
}

function encode(driver: Driver, effect: Extract<ClientEffect, { kind: 'request' }>): Uint8Array {
  const node = effect.withNode ? driver.options.node : undefined
  const errorDetail = effect.errors.length === 0 ? undefined : errorOf(effect.errors)
  const { typeUrl, nonce: responseNonce } = effect
  if (driver.options.kind === 'sotw') {
    const { version: versionInfo, subscribe: resourceNames } = effect
    const request = newDiscoveryRequest({ node, typeUrl, versionInfo, resourceNames, responseNonce, errorDetail })
    return writeDiscoveryRequest(request)
  }
  return writeDeltaDiscoveryRequest(
    newDeltaDiscoveryRequest({
      node,
      typeUrl,
      resourceNamesSubscribe: effect.subscribe,
      resourceNamesUnsubscribe: effect.unsubscribe,
      initialResourceVersions: effect.initialVersions,
      responseNonce,
      errorDetail,
    }),
  )
}

/** INVALID_ARGUMENT with each resource and reason, for people and (in the details) for the server. */
function errorOf(errors: readonly ClientRejection[]): RpcStatus {
  const message = errors.map(({ name, reason }) => `${name}: ${reason}`).join('\n')
  return newRpcStatus({ code: 3, message, details: [badRequestDetail(errors)] })
}
