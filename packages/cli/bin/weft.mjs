#!/usr/bin/env node
// `npx weft ...` from a clone: the CLI under the pinned Node.
process.argv.splice(2, 0, 'packages/cli/src/main.ts')
await import('../../../scripts/bootstrap.mjs')
