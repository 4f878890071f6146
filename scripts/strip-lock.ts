// Removes download addresses from package-lock.json: the file pins versions and hashes, and names no registry.
import { readFileSync, writeFileSync } from 'node:fs'

const path = new URL('../package-lock.json', import.meta.url)
writeFileSync(path, readFileSync(path, 'utf8').replaceAll(/^\s*"resolved": "https?:[^\n]*\n/gm, ''))
