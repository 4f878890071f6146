import { type HttpConnectionManager, isRegisteredMethod, type RequestHead, requestPath } from '@weft/engine'
import { HeaderKind } from '../codec/header-kind.ts'
import type { MessageHead } from '../codec/message-head.ts'
import { type ErrorEntry, exchangeErrors } from './error-table.ts'

/** uri-host and port (RFC 3986 3.2.2), without user information. */
const validAuthority = /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9\-._~!$&'()*+,;=%]+)(?::\d{0,5})?$/
const plainAuthority = /^[a-z0-9\-.]+(?::\d{1,5})?$/
const absoluteForm = /^https?:\/\/([^/?]*)(.*)$/i
const hasPort = /:\d+$/
const trailingDot = /\.(?=(?::\d*)?$)/

/** The router serves paths only. */
const notAPath: ErrorEntry = {
  ...exchangeErrors.noRoute,
  status: 404,
  flag: undefined,
  details: 'absolute_path_rejected',
}
const underscore: ErrorEntry = { ...exchangeErrors.invalidTarget, details: 'http1.unexpected_underscore' }
const invalidMethod: ErrorEntry = { ...exchangeErrors.invalidTarget, details: 'http1.invalid_method' }

let lastValid = ''

/** Mostly it is the one that was asked about before. */
function isValidAuthority(authority: string): boolean {
  if (authority === lastValid) return true
  if (!plainAuthority.test(authority) && !validAuthority.test(authority)) return false
  lastValid = authority
  return true
}

/** What the request line made of a request, when it is not simply served. */
export type RequestProblem =
  | { readonly kind: 'error'; readonly error: ErrorEntry }
  | { readonly kind: 'redirect'; readonly location: string }

/** The request as decisions see it, answered from the received head by offset. */
export class RequestView implements RequestHead {
  readonly head: MessageHead
  readonly methodText: string
  /** The protocol the client wants to switch to. */
  readonly upgrade: string | undefined
  #scheme: 'http' | 'https'
  /** As received, origin form. */
  rawPath = ''
  /** Path with query, normalised. */
  target = ''
  /** True when the target is in origin form, and normalising changed nothing. */
  asReceived = false
  authorityText = ''
  #originForm = false
  /** Of the target, without the query: every route asks for it. */
  #path: string | undefined = undefined
  /** Where the query begins in the target; -1: nowhere, -2: not looked for yet. */
  #mark = -2

  constructor(head: MessageHead, secure: boolean) {
    this.head = head
    this.upgrade = head.protocolNamed()
    const method = head.method()
    // An extended CONNECT (RFC 8441) is the upgrade it stands for, to rules and to logs.
    this.methodText = this.upgrade !== undefined && method === 'CONNECT' ? 'GET' : method
    const named = head.schemeNamed()
    this.#scheme = named === 'https' || named === 'http' ? named : secure ? 'https' : 'http'
  }

  method(): string {
    return this.methodText
  }
  path(): string {
    if (this.#path !== undefined) return this.#path
    const mark = this.#queryMark()
    return (this.#path = mark < 0 ? this.target : this.target.slice(0, mark))
  }
  query(): string | undefined {
    const mark = this.#queryMark()
    return mark < 0 ? undefined : this.target.slice(mark + 1)
  }
  authority(): string {
    return this.authorityText
  }
  scheme(): string {
    return this.#scheme
  }
  header(name: string): string | undefined {
    return this.head.value(name)
  }
  headerLine(name: string, index: number): string | undefined {
    return this.head.line(name, index)
  }

  /** Says which scheme the client used, when a trusted hop in front knows better than this connection. */
  setScheme(scheme: 'http' | 'https'): void {
    this.#scheme = scheme
  }

  /** Reads target and host; what is wrong with them, or undefined. */
  read(manager: HttpConnectionManager): RequestProblem | undefined {
    const { head } = this
    const error = this.#readHost(manager) ?? this.#readTarget(head.target(), manager)
    if (error !== undefined) return { kind: 'error', error }
    if (head.protocol !== 'HTTP/2' && !isRegisteredMethod(this.methodText)) {
      return { kind: 'error', error: invalidMethod }
    }
    if (manager.underscores !== 'allow' && this.#underscored(manager.underscores === 'drop')) {
      return { kind: 'error', error: underscore }
    }
    const { authorityText } = this
    // It may be empty (RFC 9112 3.2): a target that has no authority.
    if (authorityText !== '' && !isValidAuthority(authorityText)) {
      return { kind: 'error', error: exchangeErrors.invalidHost }
    }
    if (manager.stripTrailingHostDot) this.authorityText = this.authorityText.replace(trailingDot, '')
    if (manager.stripHostPort === 'any') this.authorityText = this.authorityText.replace(hasPort, '')
    if (this.methodText === 'CONNECT') return undefined
    if (this.#originForm && head.plainTarget()) {
      this.target = this.rawPath
      this.asReceived = true
      return undefined
    }
    const normalized = requestPath(this.rawPath, manager.path, this)
    if (normalized.kind === 'reject') return { kind: 'error', error: exchangeErrors.pathNormalization }
    if (normalized.kind === 'redirect') return { kind: 'redirect', location: normalized.location }
    this.target = normalized.path
    this.asReceived = this.#originForm && normalized.path === this.rawPath
    return undefined
  }

  /** True when a header has an underscore in its name and is not to be dropped: a server may take it for a hyphen. */
  #underscored(drop: boolean): boolean {
    const { head } = this
    for (let at = 0; at < head.count; at++) {
      if (head.isDropped(at) || !head.nameAt(at).includes('_')) continue
      if (!drop) return true
      head.drop(at)
    }
    return false
  }

  #queryMark(): number {
    if (this.#mark === -2) this.#mark = this.target.indexOf('?')
    return this.#mark
  }

  /** Exactly one Host (RFC 9112 3.2); HTTP/1.0 may leave it out when a default is configured. */
  #readHost(manager: HttpConnectionManager): ErrorEntry | undefined {
    const { head } = this
    let host: string | undefined
    for (let at = 0; at < head.count; at++) {
      if (head.kinds[at] !== HeaderKind.HOST || head.isDropped(at)) continue
      if (host !== undefined) return exchangeErrors.invalidHost
      host = head.repeatedValueAt(at)
      head.drop(at)
    }
    if (host === undefined && head.protocol === 'HTTP/1.0') host = manager.http1.defaultHostForHttp10 || undefined
    if (host === undefined) return exchangeErrors.missingHost
    this.authorityText = host
    return undefined
  }

  #readTarget(target: string, manager: HttpConnectionManager): ErrorEntry | undefined {
    if (this.methodText === 'CONNECT') {
      // HTTP/2 names it by `:authority` alone.
      if (target !== '') this.authorityText = target
      this.rawPath = ''
      return hasPort.test(this.authorityText) ? undefined : exchangeErrors.invalidTarget
    }
    if (target.charCodeAt(0) === 47) {
      this.rawPath = target
      this.#originForm = true
      return undefined
    }
    if (target === '*') return this.methodText === 'OPTIONS' ? notAPath : exchangeErrors.invalidTarget
    const parts = absoluteForm.exec(target)
    if (parts !== null && !manager.http1.allowAbsoluteUrl) return notAPath
    const [, authority, rest = ''] = parts ?? []
    if (authority === undefined || authority === '') return exchangeErrors.invalidTarget
    if (rest.startsWith('?')) return notAPath
    // RFC 9112 3.2.2: the target's authority replaces the Host header.
    this.authorityText = authority
    this.rawPath = rest === '' ? '/' : rest
    return undefined
  }
}
