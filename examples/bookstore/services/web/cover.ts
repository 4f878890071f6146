// Covers are drawn, not stored: one of five weaves in one of eight inks, chosen by the ISBN.
import { html, type Html } from './html.ts'

const inks: readonly (readonly [ground: string, figure: string, type: string])[] = [
  ['#1f3a4d', '#e0b25c', '#f6efe0'],
  ['#7a2e2b', '#e7c9a0', '#fbf3e4'],
  ['#2f4f3a', '#c9d6a3', '#f4f4e6'],
  ['#e9dfc8', '#b4533a', '#33291f'],
  ['#3b2f4a', '#d99a8b', '#f7ece6'],
  ['#d8a33c', '#5c2f1b', '#2b1a10'],
  ['#274c5e', '#a8c9c4', '#eef6f2'],
  ['#efe6da', '#3d5a5c', '#26302f'],
]

const lineLengthMax = 13
// How wide a letter is on average, as a part of the font's size, in the widest of our serif faces.
const letterWidth = 0.66

/** A cover as inline SVG, 2 : 3. */
export function cover(book: { isbn: string; title: string; author: string }): Html {
  const seed = Number(book.isbn.slice(-4, -1))
  const [ground, figure, type] = inks[(seed * 5) % inks.length] ?? ['#333', '#999', '#fff']
  const lines = wrap(book.title)
  const longest = Math.max(...lines.map((line) => line.length))
  const size = Math.min(27, Math.floor(196 / (longest * letterWidth)))
  return html`<svg class="cover" viewBox="0 0 240 360" role="img" aria-label="Cover of ${book.title}">
    <rect width="240" height="360" fill="${ground}" />
    ${weave(seed % 5, figure)}
    <rect x="0" y="0" width="6" height="360" fill="#000" fill-opacity=".18" />
    ${lines.map((line, index) => html`<text x="24" y="${52 + index * (size + 4)}" font-size="${size}" font-weight="600" fill="${type}">${line}</text>`)}
    <text x="24" y="334" font-size="15" letter-spacing=".5" fill="${type}">${book.author}</text>
  </svg>`
}

function weave(kind: number, ink: string): Html {
  const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index)
  if (kind === 0)
    return html`${range(6).map((i) => html`<circle cx="178" cy="226" r="${14 + i * 13}" fill="none" stroke="${ink}" stroke-width="5" />`)}`
  if (kind === 1) {
    return html`${range(9).map((i) => html`<path d="M0 ${178 + i * 14} q60 ${-24 + i * 3} 120 0 t120 0" fill="none" stroke="${ink}" stroke-width="3.5" />`)}`
  }
  if (kind === 2) {
    return html`<circle cx="120" cy="212" r="54" fill="${ink}" />${range(7).map((i) => html`<rect x="24" y="${220 + i * 11}" width="192" height="${1.5 + i}" fill="${ink}" fill-opacity=".75" />`)}`
  }
  if (kind === 3) {
    return html`${range(48).map((i) => html`<rect x="${26 + (i % 8) * 24}" y="${170 + Math.floor(i / 8) * 22}" width="${(i * 7) % 3 === 0 ? 20 : 9}" height="9" rx="4" fill="${ink}" />`)}`
  }
  return html`${range(7).map((i) => html`<path d="M${24 + i * 28} 300 L${60 + i * 28} 170" stroke="${ink}" stroke-width="${3 + (i % 3) * 4}" />`)}`
}

function wrap(title: string): string[] {
  const lines: string[] = []
  for (const word of title.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + word.length < lineLengthMax) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}
