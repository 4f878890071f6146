// The regex compiler for `CompileOptions.regex`: RE2's syntax, linear time. Loading this module loads re2js, so the proxy
// imports it (`@weft/engine/regex`) only when a resource holds a regular expression.
import { RE2JS, RE2JSException } from 're2js'
import type { Regex, RegexCompiler } from '../predicate.ts'
import { nativeFullMatch } from './native.ts'
import { parsePlain } from './syntax.ts'

/** Compiles as RE2 would, or says why RE2 would refuse. Plain, safe patterns run on the native engine. */
export const compileRegex: RegexCompiler = (source) => {
  let re2: RE2JS
  try {
    re2 = RE2JS.compile(source)
  } catch (error) {
    if (error instanceof RE2JSException)
      return { ok: false, error: `"${source}" is not an RE2 expression: ${error.message}` }
    throw error
  }
  const plain = parsePlain(source)
  const native = plain === undefined ? undefined : nativeFullMatch(plain)
  const fullMatch = native === undefined ? (text: string) => re2.matches(text) : (text: string) => native.test(text)
  return { ok: true, value: { source, fullMatch, replaceAll: (text, to) => replaceAll(re2, text, to) } satisfies Regex }
}

/** RE2::GlobalReplace: every match, `\0`..`\9` are groups, `\\` is a backslash. */
function replaceAll(re2: RE2JS, text: string, substitution: string): string {
  const matcher = re2.matcher(text)
  let result = ''
  let from = 0
  let matched = false
  while (matcher.find()) {
    // RE2 allows no empty match right after the match before.
    if (matched && matcher.end() === from && matcher.start() === from) continue
    matched = true
    result += text.slice(from, matcher.start())
    result += substitution.replace(/\\([0-9\\])/g, (_, what: string) => {
      if (what === '\\') return '\\'
      const group = Number(what)
      return group <= matcher.groupCount() ? (matcher.group(group) ?? '') : ''
    })
    from = matcher.end()
  }
  return result + text.slice(from)
}
