#!/usr/bin/env node
// `npx weft ...` from a clone: the CLI under the pinned Node.
process.argv.splice(2, 0, 'dist/weft.mjs')
await import('../../../scripts/bootstrap.mjs')
