// `--sabotage`: makes the mesh wrong on purpose, in a copy of its configuration, so that a test can see `--check` notice.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { globSync } from 'node:fs'
import { parseAllDocuments, stringify } from 'yaml'
import type { StatePaths } from '../state-paths.ts'
import type { Sabotage } from './settings.ts'

interface LooseObject {
  readonly kind?: string
  readonly metadata?: { readonly name?: string }
  readonly spec?: Record<string, unknown>
}

/** Writes the spoilt copy and returns its folder; `wrong-san` spoils identities, not files, and gives back the root. */
export function spoilConfig(paths: StatePaths, sabotage: Sabotage | undefined): string {
  if (sabotage === undefined || sabotage === 'wrong-san') return paths.root
  const copy = join(paths.state, 'sabotage')
  rmSync(copy, { recursive: true, force: true })
  mkdirSync(copy, { recursive: true })
  for (const name of globSync('*.{yaml,yml}', { cwd: paths.config })) {
    const documents = parseAllDocuments(readFileSync(join(paths.config, name), 'utf8'))
    const objects = documents
      .map((document) => document.toJS() as LooseObject | null)
      .filter((object) => object !== null)
    const spoilt = objects.flatMap((object) => spoil(object, sabotage))
    writeFileSync(join(copy, basename(name)), spoilt.map((object) => stringify(object)).join('---\n'))
  }
  return copy
}

function spoil(object: LooseObject, sabotage: Sabotage): LooseObject[] {
  if (sabotage === 'mtls-off' && object.kind === 'PeerAuthentication') {
    return [{ ...object, spec: { ...object.spec, mtls: { mode: 'DISABLE' } } }]
  }
  const routesCatalog = object.kind === 'VirtualService' && object.metadata?.name === 'catalog'
  return sabotage === 'route-removed' && routesCatalog ? [] : [object]
}

/** Another id that an instance is given once it runs; undefined unless identities are spoilt. */
export function spoiltAccount(
  instance: { readonly serviceAccount: string },
  sabotage: Sabotage | undefined,
): string | undefined {
  // Catalog shows itself as payments: callers must refuse it.
  return sabotage === 'wrong-san' && instance.serviceAccount === 'catalog' ? 'payments' : undefined
}
