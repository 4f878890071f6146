// What the generated types are built with, in place of the library's own `fileDesc`.
import type { DescFile } from '@bufbuild/protobuf'
import { fileDesc as describeFile, type GenFile } from '@bufbuild/protobuf/codegenv2'

const seenAlone = new WeakMap<DescFile, DescFile>()

/**
 * A file from its descriptor and the files that it imports. The library registers the types of each import, of that one's imports and so on, by every
 * path there is, for every file anew: a third of what it took to load Envoy's API. A file can only name types of what it imports itself, or of what
 * those import publicly, so it is given these.
 */
export function fileDesc(base64: string, imports: readonly DescFile[] = []): GenFile {
  const file = describeFile(base64, imports.map(withPublicImports))
  file.dependencies.splice(0, file.dependencies.length, ...imports)
  return file
}

/** The same file and types, without the imports that nobody sees through it. */
function withPublicImports(file: DescFile): DescFile {
  const known = seenAlone.get(file)
  if (known !== undefined) return known
  const dependencies = file.proto.publicDependency.flatMap((at) => {
    const seen = file.dependencies[at]
    return seen === undefined ? [] : [withPublicImports(seen)]
  })
  const alone = { ...file, dependencies }
  seenAlone.set(file, alone)
  return alone
}
