// A protoc plugin: generates the lean readers and writers of lean/fields.ts (index.js and index.d.ts). What their shape is
// and why is told in docs of packages/xds; the wire primitives are in src/lean-wire.ts.
import { createEcmaScriptPlugin, runNodeJs, type Schema } from '@bufbuild/protoplugin'
import { leanMessages } from '../lean/fields.ts'
import { resolveModel } from '../lean/model.ts'
import { printReaders, printTypes } from '../lean/print-readers.ts'
import { printWriters, printWriterTypes } from '../lean/print-writers.ts'

function lines(schema: Schema, file: string, texts: string[]): void {
  const out = schema.generateFile(file)
  for (const text of texts) out.print(text)
}

const plugin = createEcmaScriptPlugin({
  name: 'protoc-gen-weft-lean',
  version: 'v1',
  generateTs: () => {
    throw new Error('only target=js+dts is supported')
  },
  generateJs: (schema) => {
    const model = resolveModel(schema.allFiles, leanMessages)
    lines(schema, 'index.js', [printReaders(model), printWriters(model)])
  },
  generateDts: (schema) => {
    const model = resolveModel(schema.allFiles, leanMessages)
    lines(schema, 'index.d.ts', [printTypes(model), printWriterTypes(model)])
  },
})

runNodeJs(plugin)
