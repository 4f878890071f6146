// The mesh as checks see it: objects by topic. Each question is remembered, so it is known which findings a change may touch.
import { selectsLabels } from '../core/service/selection.ts'
import { hostCovers, resolveHost, rootNamespace, serviceFqdn } from '../networking/host-names.ts'
import { didYouMean } from '../schema/did-you-mean.ts'
import { selectorOf } from './selectors.ts'
import { runningLabels, topic } from './topics.ts'
import type { WrittenObject } from './written-object.ts'

/** Answers what is found under a topic. */
export interface Topics {
  at(topic: string): readonly WrittenObject[]
  size(topic: string): number
}

/** What is asked of outside the files. */
export interface Surroundings {
  /** Why a PEM certificate and key cannot be used together, or now; undefined when they can, or when nobody can tell. */
  certificateFault?(certificate: string, key: string): string | undefined
}

/** Questions about one mesh. Lists are sorted by key. */
export class MeshView {
  /** Topics whose objects were asked for. */
  readonly asked = new Set<string>()
  /** Topics of which only was asked whether there is anything. */
  readonly askedAny = new Set<string>()
  readonly surroundings: Surroundings
  readonly #topics: Topics

  constructor(topics: Topics, surroundings: Surroundings = {}) {
    this.#topics = topics
    this.surroundings = surroundings
  }

  /** The objects of a topic. */
  at(name: string): readonly WrittenObject[] {
    this.asked.add(name)
    return this.#topics.at(name)
  }

  /** Whether a topic has objects: cheaper to be told of than the objects. */
  any(name: string): boolean {
    this.askedAny.add(name)
    return this.#topics.size(name) > 0
  }

  /** One object by kind (`Kind.group`) and `namespace/name`. */
  one(kind: string, name: string): WrittenObject | undefined {
    return this.at(topic.one(kind, name))[0]
  }

  /** What runs in a namespace (`*`: anywhere) and carries all labels; everything there for an empty selector. */
  running(namespace: string, selector: Readonly<Record<string, string>>): WrittenObject[] {
    const wanted = Object.entries(selector).map(([label, value]) => topic.carrier(namespace, label, value))
    if (wanted.length === 0) return [...this.at(topic.carriers(namespace))]
    const rarest = wanted.reduce((a, b) => (this.#topics.size(b) < this.#topics.size(a) ? b : a))
    return this.at(rarest).filter((object) => selectsLabels(selector, runningLabels(object) ?? {}))
  }

  /** What a policy of a namespace applies to: of the root namespace, everything. */
  selected(namespace: string, selector: Readonly<Record<string, string>>): WrittenObject[] {
    return this.running(namespace === rootNamespace ? '*' : namespace, selector)
  }

  /** What runs behind a Service. */
  behind(service: WrittenObject): WrittenObject[] {
    const selector = selectorOf(service)
    return Object.keys(selector).length === 0 ? [] : this.running(service.id.namespace, selector)
  }

  /** The Services that select these labels. */
  servicesFor(namespace: string, labels: Readonly<Record<string, string>>): WrittenObject[] {
    const found = new Set<WrittenObject>()
    for (const [label, value] of Object.entries(labels)) {
      for (const service of this.at(topic.selectedBy(namespace, label, value))) {
        if (selectsLabels(selectorOf(service), labels)) found.add(service)
      }
    }
    return [...found]
  }

  /** Services and ServiceEntries that a host names; several for a wildcard. */
  called(host: string, namespace: string): readonly WrittenObject[] {
    const fqdn = resolveHost(host, namespace)
    if (fqdn === '*') return this.at(topic.hostsBelow('local'))
    if (fqdn.startsWith('*.')) return [...this.at(topic.host(fqdn)), ...this.at(topic.hostsBelow(fqdn.slice(2)))]
    const exact = this.at(topic.host(fqdn))
    return exact.length > 0 ? exact : this.#wildcardsFor(fqdn)
  }

  #wildcardsFor(fqdn: string): WrittenObject[] {
    const found: WrittenObject[] = []
    for (let dot = fqdn.indexOf('.'); dot >= 0; dot = fqdn.indexOf('.', dot + 1)) {
      found.push(...this.at(topic.host(`*${fqdn.slice(dot)}`)))
    }
    return found.filter(({ spec }) => hostsCover(spec['hosts'], fqdn))
  }

  /** What to write instead of a host that names nothing. */
  hostMend(host: string, namespace: string): string {
    const lower = host.toLowerCase()
    const [first = ''] = lower.split('.')
    const alike = this.at(topic.shortName(first)).map(({ id }) => serviceFqdn(id))
    const elsewhere = alike.find((fqdn) => fqdn.startsWith(`${lower}.`))
    if (elsewhere !== undefined) return `Write ${elsewhere}.`
    const near = this.at(topic.inNamespace('Service', namespace)).map(({ id }) => id.name)
    const meant = didYouMean(host, [...near.slice(0, 1000), ...alike])
    return meant === undefined ? 'Add the Service, or correct the name.' : `Did you mean ${meant}?`
  }
}

function hostsCover(hosts: unknown, fqdn: string): boolean {
  return Array.isArray(hosts) && hosts.some((host) => typeof host === 'string' && hostCovers(host.toLowerCase(), fqdn))
}
